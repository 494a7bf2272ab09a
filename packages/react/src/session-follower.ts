import type { LogLine, SessionEvent } from "@velocity/contract";
import type { Velocity } from "@velocity/sdk";
import { logLineOf, type SessionLog } from "./session-log.ts";

export interface SessionFollowerDeps {
  readonly client: Velocity;
  /** Gets the lines; cleared by its owner when another session is shown. */
  readonly log: SessionLog;
  onEvent(event: SessionEvent): void;
  onConnection(state: "open" | "lost"): void;
  /** The stream is over, not by our own doing: the session ended, or the server refuses. */
  onEnd(): void;
  /** Whether the container of the session can be asked for its log. */
  canReadLog(): boolean;
}

const BACKFILL_AFTER_MS = 1_000;

/** Holds at most one event stream, of one session. */
export class SessionFollower {
  readonly #deps: SessionFollowerDeps;
  #stream: { readonly id: string; readonly abort: AbortController } | null = null;
  #backfill: ReturnType<typeof setTimeout> | null = null;
  /** A stream of the same session that is opened again goes on there. */
  #last: { readonly id: string; readonly eventId: string } | null = null;

  constructor(deps: SessionFollowerDeps) {
    this.#deps = deps;
  }

  get isFollowing(): boolean {
    return this.#stream !== null;
  }

  /** Leaves any other session; nothing happens when this one is followed already. */
  follow(id: string): void {
    if (this.#stream?.id === id) return;
    this.leave();
    const abort = new AbortController();
    this.#stream = { id, abort };
    void this.#readEvents(id, abort.signal);
    this.#backfill = setTimeout(() => void this.#readLog(id, abort.signal), BACKFILL_AFTER_MS);
  }

  leave(): void {
    this.#stream?.abort.abort();
    this.#stream = null;
    if (this.#backfill !== null) clearTimeout(this.#backfill);
    this.#backfill = null;
  }

  async #readEvents(id: string, signal: AbortSignal): Promise<void> {
    const { client, log, onEvent, onConnection, onEnd } = this.#deps;
    try {
      const stream = client.sessions.events(id, {
        signal,
        lastEventId: this.#last?.id === id ? this.#last.eventId : undefined,
        onConnection: (state) => {
          if (!signal.aborted) onConnection(state);
        },
      });
      for await (const event of stream) {
        if (signal.aborted) return;
        if (event.id !== "") this.#last = { id, eventId: event.id };
        const line = logLineOf(event);
        if (line !== null) log.push([line]);
        onEvent(event);
      }
    } catch {
      // Refused for good: the session is gone or not ours; whoever looks next learns which.
    }
    if (signal.aborted) return;
    this.leave();
    onEnd();
  }

  /** A server that was restarted replays no old lines as events; the container still has them. */
  async #readLog(id: string, signal: AbortSignal): Promise<void> {
    const { client, log, canReadLog } = this.#deps;
    if (!log.isEmpty || !canReadLog()) return;
    const lines: LogLine[] = [];
    try {
      for await (const line of client.sessions.logs(id, { signal })) lines.push(line);
    } catch {
      // Old lines are a convenience; new ones come as events.
    }
    if (!signal.aborted && log.isEmpty) log.push(lines);
  }
}
