import type { SessionId } from "@velocity/contract";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { SessionStore } from "../ports/store.ts";
import type { SessionLedger } from "../session-ledger.ts";

const FLUSH_MS = 10_000;

interface ActivityDeps {
  readonly store: { readonly sessions: Pick<SessionStore, "touch"> };
  readonly ledger: SessionLedger;
  readonly clock: Clock;
  readonly log: Log;
}

/** Use of sessions, written in batches: at most one row update per session per 10 s. */
export class Activity {
  readonly #deps: ActivityDeps;
  readonly #touched = new Set<SessionId>();

  constructor(deps: ActivityDeps) {
    this.#deps = deps;
  }

  touch(id: SessionId): void {
    this.#touched.add(id);
  }

  async flush(): Promise<void> {
    if (this.#touched.size === 0) return;
    const ids = [...this.#touched];
    this.#touched.clear();
    const at = this.#deps.clock.now();
    for (const id of ids) this.#deps.ledger.touched(id, at);
    try {
      await this.#deps.store.sessions.touch(ids, at);
    } catch (error) {
      this.#deps.log.warn({ err: error, sessions: ids.length }, "activity could not be written");
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#deps.clock.sleep(FLUSH_MS, signal).catch(() => {});
      await this.flush();
    }
  }
}
