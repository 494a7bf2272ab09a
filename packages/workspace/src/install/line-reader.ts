import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

const MAX_LINE_CHARS = 2000;

/** Calls back for each line of a stream, without terminal codes; a line without an end is cut at a bound. */
export function readLines(stream: Readable, onLine: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const emit = (line: string) => {
    const plain = stripTerminalCodes(line).trimEnd();
    if (plain !== "") onLine(plain.slice(0, MAX_LINE_CHARS));
  };
  stream.on("data", (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split(/\r?\n|\r/);
    rest = lines.pop() ?? "";
    for (const line of lines) emit(line);
    if (rest.length > MAX_LINE_CHARS) {
      emit(rest);
      rest = "";
    }
  });
  stream.on("end", () => emit(rest));
  stream.on("error", () => {});
}

function stripTerminalCodes(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: terminal codes begin with the escape character
  return text.replace(/\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g, "");
}
