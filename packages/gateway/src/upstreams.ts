import type { Endpoint, SessionId } from "@velocity/contract";
import { UpstreamPool } from "@velocity/edge";
import type { GatewayLimits } from "./limits.ts";

interface SessionPools {
  readonly generation: number;
  readonly pools: Map<string, UpstreamPool>;
}

/** One pool per (session, generation, endpoint); empty pools are forgotten. */
export class Upstreams {
  readonly #limits: GatewayLimits;
  readonly #sessions = new Map<SessionId, SessionPools>();
  readonly #loose = new Set<UpstreamPool>();

  constructor(limits: GatewayLimits) {
    this.#limits = limits;
  }

  /** Connections to containers, of all sessions. */
  get connections(): number {
    let sum = 0;
    for (const { pools } of this.#sessions.values()) for (const pool of pools.values()) sum += pool.size;
    for (const pool of this.#loose) sum += pool.size;
    return sum;
  }

  get pools(): number {
    let sum = this.#loose.size;
    for (const { pools } of this.#sessions.values()) sum += pools.size;
    return sum;
  }

  /** The pool of a published generation. An older generation's pools are retired by this. */
  pool(id: SessionId, generation: number, use: string | number, endpoint: () => Endpoint): UpstreamPool {
    let session = this.#sessions.get(id);
    // Generations only grow: a request that was resolved before the change must not undo it.
    if (session !== undefined && session.generation > generation) return this.loose(endpoint(), use);
    if (session === undefined || session.generation !== generation) {
      this.drop(id, "retire");
      session = { generation, pools: new Map() };
      this.#sessions.set(id, session);
    }
    const key = String(use);
    const known = session.pools.get(key);
    if (known !== undefined) return known;
    const owner = session;
    const pool = this.#make(endpoint(), use);
    pool.onceEmpty(() => {
      owner.pools.delete(key);
      if (owner.pools.size === 0 && this.#sessions.get(id) === owner) this.#sessions.delete(id);
    });
    session.pools.set(key, pool);
    return pool;
  }

  /** A pool that nothing else uses and that keeps no connection: for probes of generations not yet published. */
  loose(endpoint: Endpoint, use: string | number): UpstreamPool {
    const pool = this.#make(endpoint, use);
    this.#loose.add(pool);
    pool.onceEmpty(() => this.#loose.delete(pool));
    pool.retire();
    return pool;
  }

  has(id: SessionId): boolean {
    return this.#sessions.has(id);
  }

  /** Retires the pools of older generations. */
  keepOnly(id: SessionId, generation: number): void {
    const session = this.#sessions.get(id);
    if (session !== undefined && session.generation < generation) this.drop(id, "retire");
  }

  /** `retire` lets exchanges under way finish, `destroy` does not. */
  drop(id: SessionId, how: "retire" | "destroy"): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    for (const pool of [...session.pools.values()]) {
      // Retired pools stay owned until their last exchange is over.
      this.#loose.add(pool);
      pool.onceEmpty(() => this.#loose.delete(pool));
      if (how === "retire") pool.retire();
      else pool.destroy();
    }
  }

  close(): void {
    for (const id of [...this.#sessions.keys()]) this.drop(id, "destroy");
    for (const pool of [...this.#loose]) pool.destroy();
  }

  #make(endpoint: Endpoint, use: string | number): UpstreamPool {
    return new UpstreamPool(endpoint, {
      dialMs: this.#limits.dialTimeoutMs,
      firstByteMs: String(use).startsWith("handshake")
        ? this.#limits.handshakeTimeoutMs
        : this.#limits.firstByteTimeoutMs,
      idleMs: this.#limits.upstreamIdleMs,
      maxConnections: this.#limits.maxUpstreamConnections,
      maxWaiting: this.#limits.maxUpstreamWaiting,
    });
  }
}
