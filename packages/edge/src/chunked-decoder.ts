import { FramingError } from "./response-head.ts";

const MAX_SIZE_LINE = 512;
const MAX_TRAILERS = 8192;
const SIZE_LINE = /^([0-9a-fA-F]{1,13})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?$/;
const TRAILER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;

type State = "size" | "data" | "data-end" | "trailers" | "done";

/**
 * Strict decoder of the chunked coding (RFC 9112, 7.1), fed with whatever pieces arrive. Bounded: it keeps at most one
 * size line or the trailer section, never body bytes.
 */
export class ChunkedDecoder {
  #state: State = "size";
  #left = 0;
  #line = "";
  #trailerBytes = 0;
  /** Names and values alternate; complete once `done`. */
  readonly trailers: string[] = [];

  get done(): boolean {
    return this.#state === "done";
  }

  /**
   * Hands every piece of body to `onData` and returns how many bytes of `input` belong to this body; fewer than all only
   * when it is done. Throws `FramingError`.
   */
  push(input: Buffer, onData: (piece: Buffer) => void): number {
    let at = 0;
    while (at < input.length && this.#state !== "done") {
      if (this.#state === "data") {
        const end = Math.min(input.length, at + this.#left);
        onData(at === 0 && end === input.length ? input : input.subarray(at, end));
        this.#left -= end - at;
        at = end;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      const newline = input.indexOf(10, at);
      const stop = newline === -1 ? input.length : newline + 1;
      this.#collect(input.toString("latin1", at, stop));
      at = stop;
      if (newline !== -1) this.#endLine();
    }
    return at;
  }

  #collect(piece: string): void {
    this.#line += piece;
    const bound =
      this.#state === "trailers"
        ? MAX_TRAILERS - this.#trailerBytes
        : this.#state === "size"
          ? MAX_SIZE_LINE
          : 2;
    if (this.#line.length > bound) throw new FramingError("chunk line too long");
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (!line.endsWith("\r\n")) throw new FramingError("bare newline in chunked body");
    const text = line.slice(0, -2);
    switch (this.#state) {
      case "size": {
        const match = SIZE_LINE.exec(text);
        if (match?.[1] === undefined) throw new FramingError("bad chunk size");
        this.#left = Number.parseInt(match[1], 16);
        this.#state = this.#left === 0 ? "trailers" : "data";
        return;
      }
      case "data-end":
        if (text !== "") throw new FramingError("chunk longer than its size");
        this.#state = "size";
        return;
      case "trailers": {
        if (text === "") {
          this.#state = "done";
          return;
        }
        this.#trailerBytes += line.length;
        const match = TRAILER.exec(text);
        if (match?.[1] === undefined) throw new FramingError("bad trailer");
        this.trailers.push(match[1], match[2] ?? "");
        return;
      }
      default:
        throw new FramingError("unexpected line");
    }
  }
}
