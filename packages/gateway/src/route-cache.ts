import type { SessionId } from "@velocity/contract";
import type { GatewayLimits } from "./limits.ts";
import type { RouteLookup, RouteResolution } from "./route-lookup.ts";

interface Entry {
  readonly route: RouteResolution;
  readonly until: number;
}

interface Asking {
  readonly answer: Promise<RouteResolution>;
  stale: boolean;
}

/**
 * Routes by session: filled on a miss, forgotten on notification, bounded. Concurrent misses ask once. An answer that a
 * notification overtook is not kept, and asked for again.
 */
export class RouteCache {
  readonly #lookup: Pick<RouteLookup, "resolve">;
  readonly #limits: Pick<GatewayLimits, "maxRoutes" | "routeMaxAgeMs" | "otherMaxAgeMs">;
  readonly #now: () => number;
  readonly #entries = new Map<SessionId, Entry>();
  readonly #asking = new Map<SessionId, Asking>();

  constructor(
    lookup: Pick<RouteLookup, "resolve">,
    limits: Pick<GatewayLimits, "maxRoutes" | "routeMaxAgeMs" | "otherMaxAgeMs">,
    now: () => number,
  ) {
    this.#lookup = lookup;
    this.#limits = limits;
    this.#now = now;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The cached route, without asking anybody. */
  peek(id: SessionId): RouteResolution | null {
    const entry = this.#entries.get(id);
    return entry !== undefined && this.#now() < entry.until ? entry.route : null;
  }

  async get(id: SessionId): Promise<RouteResolution> {
    for (let tries = 0; ; tries++) {
      const known = this.peek(id);
      if (known !== null) return known;
      const asking = this.#ask(id);
      const route = await asking.answer;
      // A session that changes all the time still gets an answer; the dial finds out whether it holds.
      if (!asking.stale || tries >= 3) return route;
    }
  }

  forget(id: SessionId): void {
    this.#entries.delete(id);
    const asking = this.#asking.get(id);
    if (asking === undefined) return;
    asking.stale = true;
    this.#asking.delete(id);
  }

  #ask(id: SessionId): Asking {
    const under = this.#asking.get(id);
    if (under !== undefined) return under;
    const asking: Asking = { answer: this.#lookup.resolve(id), stale: false };
    this.#asking.set(id, asking);
    asking.answer.then(
      (route) => {
        if (asking.stale) return;
        this.#asking.delete(id);
        this.#keep(id, route);
      },
      () => {
        if (!asking.stale) this.#asking.delete(id);
      },
    );
    return asking;
  }

  #keep(id: SessionId, route: RouteResolution): void {
    if (this.#entries.size >= this.#limits.maxRoutes) {
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    const ageMs = route.kind === "live" ? this.#limits.routeMaxAgeMs : this.#limits.otherMaxAgeMs;
    this.#entries.set(id, { route, until: this.#now() + ageMs });
  }
}
