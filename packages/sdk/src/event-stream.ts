import type { EventType, SessionEvent } from "@velocity/contract";
import { isRecord, VelocityApiError, VelocityNetworkError } from "./api-error.ts";
import { backoffMs, delay } from "./delay.ts";
import { createSseParser, type SseMessage } from "./sse-parser.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface EventStreamOptions extends CallOptions {
  /** Only events after this one. */
  readonly lastEventId?: string | undefined;
  /** Told when the stream is open, and when it is lost and tried again. */
  readonly onConnection?: ((state: "open" | "lost") => void) | undefined;
  /** A connection without any byte (not even a keep-alive comment) for so long is taken as dead. Default 60 s. */
  readonly idleTimeoutMs?: number | undefined;
}

const RECONNECT_BASE_MS = 250;
const RECONNECT_CAP_MS = 5_000;

/**
 * A session's events, without gaps: after a broken connection it comes back with `Last-Event-ID`. Ends quietly when
 * the signal aborts, and after the event that the session has terminated once the server closes the stream.
 * @throws VelocityApiError when the server refuses (gone, not allowed); failures that may pass are retried for ever
 */
export async function* sessionEvents(
  transport: Transport,
  path: string,
  options: EventStreamOptions = {},
): AsyncGenerator<SessionEvent, void, undefined> {
  const { signal, onConnection } = options;
  let lastEventId = options.lastEventId ?? "";
  let baseMs = RECONNECT_BASE_MS;
  let failures = 0;
  let ended = false;
  while (!isAborted(signal)) {
    try {
      const parser = createSseParser(lastEventId);
      for await (const text of openStream(transport, path, lastEventId, options)) {
        failures = 0;
        const messages = parser.push(text);
        baseMs = parser.retryMs ?? baseMs;
        for (const message of messages) {
          lastEventId = message.lastEventId;
          const event = toEvent(message);
          if (event === null) continue;
          if (event.type === "state" && event.data.state === "terminated") ended = true;
          yield event;
        }
      }
    } catch (error) {
      if (isAborted(signal)) return;
      if (error instanceof VelocityApiError && !error.retryable) throw error;
      if (!(error instanceof VelocityApiError) && !(error instanceof VelocityNetworkError)) throw error;
    }
    if (ended || isAborted(signal)) return;
    onConnection?.("lost");
    try {
      await delay(backoffMs(failures++, baseMs, Math.max(baseMs, RECONNECT_CAP_MS)), signal);
    } catch {
      return;
    }
  }
}

/** Asked afresh each time: the compiler would take the first answer for the last one. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

/** One connection: its text in pieces, until the server closes it. Every way out closes it on our side too. */
async function* openStream(
  transport: Transport,
  path: string,
  lastEventId: string,
  options: EventStreamOptions,
): AsyncGenerator<string, void, undefined> {
  const idleTimeoutMs = options.idleTimeoutMs ?? 60_000;
  const connection = new AbortController();
  const onAbort = () => connection.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", onAbort, { once: true });
  let idleTimer = setTimeout(() => connection.abort(), idleTimeoutMs);
  try {
    const response = await transport.send({
      method: "GET",
      path,
      headers: {
        accept: "text/event-stream",
        ...(lastEventId === "" ? {} : { "last-event-id": lastEventId }),
      },
      signal: connection.signal,
    });
    options.onConnection?.("open");
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(idleTimer);
      idleTimer = setTimeout(() => connection.abort(), idleTimeoutMs);
      yield decoder.decode(value, { stream: true });
    }
  } catch (error) {
    if (error instanceof VelocityApiError || error instanceof VelocityNetworkError) throw error;
    throw new VelocityNetworkError(path, error);
  } finally {
    clearTimeout(idleTimer);
    options.signal?.removeEventListener("abort", onAbort);
    connection.abort();
  }
}

/** The data line is the whole event; where a server sends the inner data alone, the frame names the rest. */
function toEvent(message: SseMessage): SessionEvent | null {
  let body: unknown;
  try {
    body = JSON.parse(message.data);
  } catch {
    return null;
  }
  if (!isRecord(body)) return null;
  const whole = isRecord(body.data) && typeof body.type === "string";
  const type = whole ? body.type : message.event;
  const at = typeof body.at === "string" ? body.at : new Date().toISOString();
  const data = whole && isRecord(body.data) ? body.data : body;
  // A newer server may have more kinds; readers switch on the ones they know.
  return { id: message.lastEventId, type: type as EventType, at, data };
}
