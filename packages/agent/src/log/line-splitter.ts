import { StringDecoder } from "node:string_decoder";
import { stripVTControlCharacters } from "node:util";

/** A line longer than this is cut in pieces: a program that never ends its line must not fill our memory. */
const MAX_PENDING_CHARACTERS = 16_384;

/** Turns bytes into lines. `\r\n` ends a line; of what a lone `\r` overwrites only the last state is kept. */
export class LineSplitter {
  readonly #decoder = new StringDecoder("utf8");
  readonly #onLine: (line: string) => void;
  readonly #keepColors: boolean;
  #pending = "";

  constructor(onLine: (line: string) => void, options: { readonly keepColors: boolean }) {
    this.#onLine = onLine;
    this.#keepColors = options.keepColors;
  }

  write(chunk: Buffer): void {
    this.#pending += this.#decoder.write(chunk);
    let start = 0;
    for (let end = this.#pending.indexOf("\n"); end !== -1; end = this.#pending.indexOf("\n", start)) {
      this.#emit(this.#pending.slice(start, end));
      start = end + 1;
    }
    this.#pending = this.#pending.slice(start);
    while (this.#pending.length > MAX_PENDING_CHARACTERS) {
      this.#emit(this.#pending.slice(0, MAX_PENDING_CHARACTERS));
      this.#pending = this.#pending.slice(MAX_PENDING_CHARACTERS);
    }
  }

  /** The last line, if it had no end. */
  end(): void {
    const rest = this.#pending + this.#decoder.end();
    this.#pending = "";
    if (rest !== "") this.#emit(rest);
  }

  #emit(raw: string): void {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const visible = line.slice(line.lastIndexOf("\r") + 1);
    this.#onLine(this.#keepColors ? visible : stripVTControlCharacters(visible));
  }
}
