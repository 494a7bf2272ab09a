import type { AgentEvent, Endpoint, LogLine, ServerStatus } from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { AgentPort } from "../ports/agent.ts";
import type { Clock } from "../ports/clock.ts";

/** What the dev server was last seen doing. */
export interface ServerState {
  readonly status: ServerStatus;
  readonly port: number | null;
  readonly error: { readonly code: string; readonly message: string; readonly log: readonly string[] } | null;
  /** Number of the agent's event that said so; 0: nothing heard yet. */
  readonly seq: number;
}

export interface WatchHandlers {
  onServer(state: ServerState): void;
  onLine(line: LogLine): void;
  onFiles(changed: readonly string[], deleted: readonly string[]): void;
}

const RETRY_MS = [20, 50, 100, 250, 500, 1_000, 2_000] as const;

/** The one subscription to a container's agent. It reconnects until it is closed. */
export class ContainerWatch {
  readonly #agent: AgentPort;
  readonly #clock: Clock;
  readonly #at: Endpoint;
  readonly #closing = new AbortController();
  readonly #waiters = new Set<(state: ServerState) => void>();
  #handlers: WatchHandlers;
  #state: ServerState = { status: "idle", port: null, error: null, seq: 0 };
  #since = 0;

  constructor(deps: { agent: AgentPort; clock: Clock }, at: Endpoint, handlers: WatchHandlers) {
    this.#agent = deps.agent;
    this.#clock = deps.clock;
    this.#at = at;
    this.#handlers = handlers;
    void this.#follow();
  }

  get state(): ServerState {
    return this.#state;
  }

  /** A pool member is bound: from now on another session listens. */
  handOver(handlers: WatchHandlers): void {
    this.#handlers = handlers;
  }

  /** The first state after event `seq` for which `accept` holds; rejects with the signal's reason. */
  waitFor(
    accept: (state: ServerState) => boolean,
    afterSeq: number,
    signal: AbortSignal,
  ): Promise<ServerState> {
    const fits = (state: ServerState) => state.seq > afterSeq && accept(state);
    if (fits(this.#state)) return Promise.resolve(this.#state);
    const waiting = Promise.withResolvers<ServerState>();
    const waiter = (state: ServerState) => {
      if (fits(state)) waiting.resolve(state);
    };
    this.#waiters.add(waiter);
    return abortable(waiting.promise, AbortSignal.any([signal, this.#closing.signal])).finally(() =>
      this.#waiters.delete(waiter),
    );
  }

  close(): void {
    this.#closing.abort(new Error("the watch was closed"));
  }

  async #follow(): Promise<void> {
    const signal = this.#closing.signal;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        for await (const event of this.#agent.events(this.#at, this.#since, signal)) {
          if (signal.aborted) return;
          failures = 0;
          this.#take(event);
        }
      } catch {
        // Lost or not there yet: the loop comes back, more slowly each time.
      }
      const pause = RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] ?? 2_000;
      await this.#clock.sleep(pause, signal).catch(() => {});
    }
  }

  #take(event: AgentEvent): void {
    this.#since = Math.max(this.#since, event.seq);
    switch (event.type) {
      case "log":
        this.#handlers.onLine(event.line);
        return;
      case "file":
        this.#handlers.onFiles(event.changed, event.deleted);
        return;
      case "server": {
        this.#state = { status: event.status, port: event.port, error: event.error, seq: event.seq };
        for (const waiter of [...this.#waiters]) waiter(this.#state);
        this.#handlers.onServer(this.#state);
      }
    }
  }
}
