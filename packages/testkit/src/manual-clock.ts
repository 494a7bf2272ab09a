import type { Clock } from "@velocity/core";

interface Sleeper {
  readonly at: number;
  readonly order: number;
  readonly resolve: () => void;
}

/** Macrotasks given to running code before time is moved on. */
const IDLE_TURNS = 80;

/** Time that only moves when a test says so. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  #sleepers = new Set<Sleeper>();
  readonly #idle: () => Promise<void> | null;

  /** `idle`: null where nothing outside this clock is waited for, else when that may have changed. */
  constructor(start = new Date("2026-01-01T00:00:00.000Z"), idle: () => Promise<void> | null = () => null) {
    this.#now = start.getTime();
    this.#idle = idle;
  }

  now(): Date {
    return new Date(this.#now);
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#sleepers.delete(sleeper);
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        resolve: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Wakes every sleeper that is due on the way, in order, and lets what they started run. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#next();
      if (next === null || next.at > until) break;
      this.#wake(next);
      await this.quiet(2);
    }
    this.#now = until;
    await this.quiet();
  }

  /** Lets everything that is ready run, and what it waits for outside: answers of a database take no time here. */
  async quiet(count = IDLE_TURNS): Promise<void> {
    for (;;) {
      await turns(count);
      const idle = this.#idle();
      if (idle === null) return;
      await idle;
    }
  }

  /** Moves time on, whenever nothing else happens, until the work is settled. */
  async run<T>(work: Promise<T>, limitMs = 24 * 3_600_000): Promise<T> {
    let settled = false;
    work.then(
      () => {
        settled = true;
      },
      () => {
        settled = true;
      },
    );
    const until = this.#now + limitMs;
    while (!settled) {
      await this.quiet();
      if (settled) break;
      const next = this.#next();
      if (next === null) continue;
      if (next.at > until) throw new Error(`not settled after ${limitMs} ms of the manual clock`);
      this.#wake(next);
    }
    return work;
  }

  #wake(sleeper: Sleeper): void {
    this.#sleepers.delete(sleeper);
    this.#now = Math.max(this.#now, sleeper.at);
    sleeper.resolve();
  }

  #next(): Sleeper | null {
    let next: Sleeper | null = null;
    for (const one of this.#sleepers) {
      if (next === null || one.at < next.at || (one.at === next.at && one.order < next.order)) next = one;
    }
    return next;
  }
}

/** Lets everything that is ready run, some rounds long. */
export async function turns(count: number): Promise<void> {
  for (let n = 0; n < count; n++) await new Promise<void>((resolve) => setImmediate(resolve));
}
