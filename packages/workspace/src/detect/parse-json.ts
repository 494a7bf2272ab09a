import { VelocityError } from "@velocity/contract";

/**
 * Parses a JSON file of a project. Throws `validation` with the file's name, line and column.
 * V8 names the place in its message ("at position 12 (line 3 column 5)"); only an early end has none.
 */
export function parseJson(path: string, text: string): unknown {
  const source = text.startsWith("\ufeff") ? text.slice(1) : text;
  try {
    return JSON.parse(source);
  } catch (cause) {
    const found = /^(.*?)(?: in JSON)? at position \d+ \(line (\d+) column (\d+)\)/.exec(
      cause instanceof Error ? cause.message : "",
    );
    const lines = source.split("\n");
    const line = found?.[2] ?? String(lines.length);
    const column = found?.[3] ?? String((lines.at(-1)?.length ?? 0) + 1);
    const what = (found?.[1] ?? "the file ends too early").slice(0, 200);
    throw new VelocityError("validation", `${path} is not valid JSON: line ${line}, column ${column}.`, {
      errors: [{ path, code: "invalid_json", message: `Line ${line}, column ${column}: ${what}.` }],
      cause,
    });
  }
}
