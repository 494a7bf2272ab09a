/** How the end of a response body is found (RFC 9112, 6.3). */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "close" };

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values alternate, in the order and case they came. */
  readonly rawHeaders: readonly string[];
  readonly framing: BodyFraming;
  /** The connection may carry another request afterwards. */
  readonly keepAlive: boolean;
  /** From `Keep-Alive: timeout=n`; null where the upstream did not say. */
  readonly keepAliveMs: number | null;
}

/** The upstream broke HTTP/1.1; its connection must be dropped. */
export class FramingError extends Error {
  override readonly name = "FramingError";
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/;
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/;
const LENGTH = /^[0-9]{1,15}$/;
const NO_HEADERS: readonly string[] = [];

/**
 * Parses a response head (without its final empty line), strictly: no folding, no bare CR or LF, no space before the
 * colon, one length, never length and coding together. A lenient reading here would let a container smuggle a second
 * response into a connection that others use. Throws `FramingError`.
 */
export function parseResponseHead(text: string, method: string): ResponseHead {
  const lines = text.split("\r\n");
  const start = STATUS_LINE.exec(lines[0] ?? "");
  if (start === null) throw new FramingError("bad status line");
  const http10 = start[1] === "0";
  const status = Number(start[2]);
  const rawHeaders: string[] = [];
  let length: number | null = null;
  let chunked = false;
  let close = http10;
  let keepAliveMs: number | null = null;
  for (let i = 1; i < lines.length; i++) {
    const match = HEADER.exec(lines[i] ?? "");
    if (match === null) throw new FramingError("bad header line");
    const name = match[1] ?? "";
    const value = trimEnd(match[2] ?? "");
    rawHeaders.push(name, value);
    switch (name.length) {
      case 10:
        if (isNamed(name, "connection")) close = closes(value, close);
        else if (isNamed(name, "keep-alive")) keepAliveMs = keepAliveTimeout(value);
        break;
      case 14:
        if (!isNamed(name, "content-length")) break;
        if (length !== null) throw new FramingError("two lengths");
        if (!LENGTH.test(value)) throw new FramingError("bad length");
        length = Number(value);
        break;
      case 17:
        if (!isNamed(name, "transfer-encoding")) break;
        if (chunked || http10 || value.toLowerCase() !== "chunked") throw new FramingError("bad coding");
        chunked = true;
        break;
    }
  }
  if (chunked && length !== null) throw new FramingError("length and coding");
  const framing = framingOf(status, method, chunked, length);
  return {
    status,
    reason: start[3] ?? "",
    rawHeaders: rawHeaders.length === 0 ? NO_HEADERS : rawHeaders,
    framing,
    keepAlive: !close && framing.kind !== "close",
    keepAliveMs,
  };
}

function framingOf(status: number, method: string, chunked: boolean, length: number | null): BodyFraming {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return { kind: "none" };
  if (chunked) return { kind: "chunked" };
  if (length !== null) return length === 0 ? { kind: "none" } : { kind: "length", length };
  return { kind: "close" };
}

function isNamed(name: string, lower: string): boolean {
  return name === lower || name.toLowerCase() === lower;
}

function closes(value: string, before: boolean): boolean {
  const lower = value.toLowerCase();
  if (lower === "keep-alive") return false;
  if (lower === "close") return true;
  const tokens = lower.split(",").map((token) => token.trim());
  return tokens.includes("close") || (before && !tokens.includes("keep-alive"));
}

function keepAliveTimeout(value: string): number | null {
  const match = /(?:^|[,;\s])timeout=([0-9]{1,6})/i.exec(value);
  return match?.[1] === undefined ? null : Number(match[1]) * 1000;
}

function trimEnd(value: string): string {
  const last = value.charCodeAt(value.length - 1);
  return last === 0x20 || last === 0x09 ? value.trimEnd() : value;
}
