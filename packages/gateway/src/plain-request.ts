/** A GET or HEAD that needs none of the checks of the full path. */
export interface PlainRequest {
  readonly method: "GET" | "HEAD";
  readonly target: string;
  readonly host: string;
  /** Names and values alternate. */
  readonly rawHeaders: readonly string[];
  /** Request line and end-to-end headers as they came, each line ended; ours follow. */
  readonly head: string;
}

const REQUEST_LINE = /^(GET|HEAD) (\/[\x21-\x7e]*) HTTP\/1\.1$/;
/** Stricter than the protocol: no space around the value but one before it. */
const HEADER_LINE = /^([A-Za-z][A-Za-z0-9-]{0,63}): ([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)$/;
const PLAIN_HOST = /^[A-Za-z0-9-]{36,43}\.[A-Za-z0-9.-]{1,200}(?::[0-9]{1,5})?$/;
/** What frames, routes, switches or is ours: any of these makes a request not plain. */
const NOT_PLAIN =
  /^(?:content-length|transfer-encoding|upgrade|expect|te|trailer|keep-alive|forwarded|http2-settings|x-real-ip|proxy-.*|x-forwarded-.*|x-velocity-.*)$/i;
const MAX_BYTES = 16 * 1024;

/**
 * Recognises one plain request that is exactly these bytes; null for anything else, which is then read by Node's parser.
 * A recogniser, not a parser: whatever it accepts, a strict parser reads in the same way, so that the two cannot differ.
 */
export function readPlainRequest(bytes: Buffer, maxHeaderLines: number): PlainRequest | null {
  if (bytes.length > MAX_BYTES) return null;
  const text = bytes.toString("latin1");
  if (!text.endsWith("\r\n\r\n")) return null;
  const lines = text.slice(0, -4).split("\r\n");
  if (lines.length - 1 > maxHeaderLines) return null;
  const line = lines[0] ?? "";
  const start = REQUEST_LINE.exec(line);
  if (start === null) return null;
  let host = "";
  let head = `${line}\r\n`;
  const rawHeaders: string[] = [];
  for (let i = 1; i < lines.length; i++) {
    const header = lines[i] ?? "";
    const match = HEADER_LINE.exec(header);
    if (match === null) return null;
    const name = match[1] ?? "";
    const value = match[2] ?? "";
    if (NOT_PLAIN.test(name)) return null;
    rawHeaders.push(name, value);
    switch (name.toLowerCase()) {
      case "host":
        if (host !== "" || !PLAIN_HOST.test(value)) return null;
        host = value;
        break;
      case "connection":
        if (value.toLowerCase() !== "keep-alive") return null;
        continue;
      case "cookie":
        if (/velocity/i.test(value)) return null;
        break;
    }
    head += `${header}\r\n`;
  }
  if (host === "") return null;
  return { method: start[1] === "HEAD" ? "HEAD" : "GET", target: start[2] ?? "/", host, rawHeaders, head };
}
