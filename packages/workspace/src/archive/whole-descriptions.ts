const BLOCK = 512;
/** Content of a description; longer than any real one, so that nobody can make us hold much. The reader refuses more. */
export const MAX_DESCRIPTION_BYTES = 64 * 1024;
/** Entries that describe the next one: pax headers, long names and links. */
const DESCRIPTIONS = new Set(["x", "X", "g", "L", "K", "N"].map((type) => type.charCodeAt(0)));

/**
 * Cuts a tar stream anew, so that a description comes in one piece: the parser takes each piece for whole text, and would
 * break a letter that is cut in two. Only where to cut is decided here. Read wrongly, a header does no harm.
 */
export class WholeDescriptions {
  #held: Buffer = Buffer.alloc(0);
  /** Bytes until the next header. */
  #skip = 0;

  /** What can be parsed now: nothing, or more; at the beginning no less than a block. */
  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = this.#skip;
    while (at + BLOCK <= bytes.length) {
      const span = BLOCK + blocksOf(bytes.subarray(at + 124, at + 136));
      const isHeld = DESCRIPTIONS.has(bytes[at + 156] ?? 0) && span <= BLOCK + MAX_DESCRIPTION_BYTES;
      if (isHeld && at + span > bytes.length) break;
      at += span;
    }
    const ready = Math.min(at, bytes.length);
    this.#skip = at - ready;
    this.#held = bytes.subarray(ready);
    return bytes.subarray(0, ready);
  }

  /** What was held back when the stream ended. */
  rest(): Buffer {
    return this.#held;
  }
}

/** The bytes that content of this octal size takes. */
function blocksOf(field: Buffer): number {
  const size = Number.parseInt(field.toString("latin1").trim(), 8);
  return Number.isSafeInteger(size) && size > 0 ? Math.ceil(size / BLOCK) * BLOCK : 0;
}
