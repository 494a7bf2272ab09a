/** One dispatched message of a `text/event-stream`. */
export interface SseMessage {
  readonly event: string;
  readonly data: string;
  /** The last id seen so far, which is what `Last-Event-ID` has to carry. */
  readonly lastEventId: string;
}

export interface SseParser {
  /** Takes decoded text in pieces of any size and returns the messages that became complete. */
  push(text: string): readonly SseMessage[];
  /** What the server asked for by `retry:`, in milliseconds. */
  readonly retryMs: number | null;
}

/** No message of ours is near this; more is a broken or hostile server. */
const MAX_PENDING_CHARS = 4 * 1024 * 1024;

/**
 * Follows the event stream interpretation rules of the HTML standard, section 9.2.6.
 * @throws RangeError when a message grows beyond 4 Mi characters
 */
export function createSseParser(lastEventId: string): SseParser {
  let buffer = "";
  let lastId = lastEventId;
  let event = "";
  let data: string[] = [];
  let pendingChars = 0;
  let retryMs: number | null = null;
  let first = true;

  const field = (line: string) => {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon === -1 ? line : line.slice(0, colon);
    const raw = colon === -1 ? "" : line.slice(colon + 1);
    const value = raw.startsWith(" ") ? raw.slice(1) : raw;
    if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) lastId = value;
    else if (name === "retry" && /^\d+$/.test(value)) retryMs = Number(value);
    else if (name === "data") {
      data.push(value);
      pendingChars += value.length;
      if (pendingChars > MAX_PENDING_CHARS) throw new RangeError("event is too large");
    }
  };

  return {
    get retryMs() {
      return retryMs;
    },
    push(text) {
      buffer += first ? text.replace(/^\uFEFF/, "") : text;
      if (text !== "") first = false;
      const messages: SseMessage[] = [];
      let start = 0;
      while (start < buffer.length) {
        const end = lineEnd(buffer, start);
        if (end === null) break;
        const line = buffer.slice(start, end.at);
        start = end.next;
        if (line !== "") {
          field(line);
          continue;
        }
        if (data.length > 0)
          messages.push({ event: event || "message", data: data.join("\n"), lastEventId: lastId });
        event = "";
        data = [];
        pendingChars = 0;
      }
      buffer = buffer.slice(start);
      if (buffer.length > MAX_PENDING_CHARS) throw new RangeError("event is too large");
      return messages;
    },
  };
}

/** A line ends with CRLF, LF or CR; a CR at the very end waits, since its LF may be in the next piece. */
function lineEnd(text: string, from: number): { at: number; next: number } | null {
  for (let i = from; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 10) return { at: i, next: i + 1 };
    if (char === 13) {
      if (i + 1 === text.length) return null;
      return { at: i, next: text.charCodeAt(i + 1) === 10 ? i + 2 : i + 1 };
    }
  }
  return null;
}
