import { VelocityNetworkError } from "./api-error.ts";

const MAX_LINE_CHARS = 4 * 1024 * 1024;

/**
 * Reads newline-delimited JSON as it arrives; blank lines are keep-alives. Leaving the loop closes the connection.
 * @throws VelocityNetworkError when the connection breaks, the signal's reason when it aborts
 */
export async function* readNdjson<T>(
  response: Response,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await read(reader, response.url, signal);
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = done ? "" : (lines.pop() ?? "");
      if (rest.length > MAX_LINE_CHARS) throw new RangeError("line is too long");
      for (const line of lines) {
        if (line.trim() !== "") yield JSON.parse(line) as T;
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  url: string,
  signal: AbortSignal | undefined,
) {
  try {
    return await reader.read();
  } catch (cause) {
    signal?.throwIfAborted();
    throw new VelocityNetworkError(url, cause);
  }
}
