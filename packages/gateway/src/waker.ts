import { type SessionId, VelocityError } from "@velocity/contract";
import type { GatewayLimits } from "./limits.ts";
import type { RouteCache } from "./route-cache.ts";
import type { Log, RouteLookup, RouteResolution } from "./route-lookup.ts";

/** How waiting for a session ended. `held`: it goes on without this request. */
export type WakeOutcome =
  | { readonly kind: "settled"; readonly route: RouteResolution }
  | { readonly kind: "held" }
  | { readonly kind: "failed"; readonly error: VelocityError }
  | { readonly kind: "full" };

interface Waking {
  readonly settled: Promise<WakeOutcome>;
  waiters: number;
  /** Lets the wait for a route that is `starting` look again. */
  look: () => void;
}

export interface WakeFailure {
  readonly error: VelocityError;
  readonly at: number;
}

const MAX_FAILURES = 1000;
const LOOK_MS = 1000;

/** One wake at a time per session, whoever waits for it and however many leave. */
export class Waker {
  readonly #lookup: Pick<RouteLookup, "wake">;
  readonly #routes: RouteCache;
  readonly #limits: GatewayLimits;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #waking = new Map<SessionId, Waking>();
  readonly #failures = new Map<SessionId, WakeFailure>();
  #closed = false;

  constructor(
    lookup: Pick<RouteLookup, "wake">,
    routes: RouteCache,
    limits: GatewayLimits,
    log: Log,
    now: () => number,
  ) {
    this.#lookup = lookup;
    this.#routes = routes;
    this.#limits = limits;
    this.#log = log;
    this.#now = now;
  }

  /** Sessions that are being waited for. */
  get size(): number {
    return this.#waking.size;
  }

  isWaking(id: SessionId): boolean {
    return this.#waking.has(id);
  }

  /** The last wake of this session failed, and none has begun since. */
  failure(id: SessionId): WakeFailure | null {
    return this.#failures.get(id) ?? null;
  }

  /** Waits at most `holdMs` for the session to settle, beginning its wake where it sleeps. */
  async wait(id: SessionId, holdMs: number, signal: AbortSignal): Promise<WakeOutcome> {
    const waking = this.#waking.get(id) ?? this.#begin(id);
    if (waking.waiters >= this.#limits.maxWaiters) return { kind: "full" };
    waking.waiters += 1;
    const patience = hold(holdMs, signal);
    try {
      return await Promise.race([waking.settled, patience.over]);
    } finally {
      patience.stop();
      waking.waiters -= 1;
    }
  }

  /** The route of this session may have changed. */
  notice(id: SessionId): void {
    this.#waking.get(id)?.look();
  }

  close(): void {
    this.#closed = true;
    for (const waking of this.#waking.values()) waking.look();
  }

  #begin(id: SessionId): Waking {
    const waking: Waking = {
      settled: Promise.resolve().then(() => this.#run(id, waking)),
      waiters: 0,
      look: noop,
    };
    this.#waking.set(id, waking);
    this.#failures.delete(id);
    return waking;
  }

  async #run(id: SessionId, waking: Waking): Promise<WakeOutcome> {
    try {
      const route = await this.#settle(id, waking);
      return { kind: "settled", route };
    } catch (cause) {
      const error =
        cause instanceof VelocityError
          ? cause
          : new VelocityError("internal", "The preview could not be started.", { cause });
      this.#log.warn({ sessionId: id, code: error.code, err: cause }, "wake failed");
      this.#remember(id, error);
      return { kind: "failed", error };
    } finally {
      this.#waking.delete(id);
    }
  }

  async #settle(id: SessionId, waking: Waking): Promise<RouteResolution> {
    let woken = false;
    const giveUpAt = this.#now() + this.#limits.requestHoldMs;
    for (;;) {
      const route = await this.#routes.get(id);
      if (route.kind === "asleep" && !woken) {
        woken = true;
        await this.#lookup.wake(id);
        // Whatever was cached while it slept no longer holds, whether or not a notification came.
        this.#routes.forget(id);
        continue;
      }
      if (route.kind !== "starting") return route;
      if (this.#closed || this.#now() >= giveUpAt) {
        throw new VelocityError("operation_timeout", "The preview is taking too long to start.");
      }
      await this.#change(waking);
      this.#routes.forget(id);
    }
  }

  /** Until a notification, and now and then without one: it may get lost. */
  #change(waking: Waking): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waking.look = noop;
        resolve();
      };
      const timer = setTimeout(done, LOOK_MS);
      waking.look = done;
    });
  }

  #remember(id: SessionId, error: VelocityError): void {
    if (this.#failures.size >= MAX_FAILURES) {
      const oldest = this.#failures.keys().next();
      if (!oldest.done) this.#failures.delete(oldest.value);
    }
    this.#failures.set(id, { error, at: this.#now() });
  }
}

function hold(ms: number, signal: AbortSignal): { over: Promise<WakeOutcome>; stop: () => void } {
  let stop = noop;
  const over = new Promise<WakeOutcome>((resolve) => {
    stop = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      resolve({ kind: "held" });
    };
    const timer = setTimeout(stop, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
  return { over, stop };
}

function noop(): void {}
