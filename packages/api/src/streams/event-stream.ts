import type { SessionEvent } from "@velocity/contract";
import { toVelocityError } from "../http/to-velocity-error.ts";

/** Well under the idle time-out of common proxies (60 s). */
export const KEEP_ALIVE_MS = 15_000;
export const KEEP_ALIVE = ": keep-alive\n\n";
/** How long an EventSource waits before it comes back, and a first comment that opens the stream. */
export const EVENT_STREAM_PREAMBLE = "retry: 2000\n: open\n\n";

/** One event in the text/event-stream format. JSON has no line breaks, so that one data line is enough. */
export function encodeEvent(event: SessionEvent): string {
  return `id: ${event.id.replace(/[\r\n\0]/g, "")}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

/** The last thing a client hears when the source failed. No id line: a reconnect resumes after the last real event. */
export function encodeFailure(error: unknown, at: Date): string {
  const { code, publicMessage } = toVelocityError(error);
  const event = { id: "", type: "error", at: at.toISOString(), data: { code, message: publicMessage } };
  return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
}
