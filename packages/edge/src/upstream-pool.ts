import { type Endpoint, VelocityError } from "@velocity/contract";
import { connectEndpoint } from "./connect-endpoint.ts";
import { type ConnectionOwner, type ConnectionTimeouts, UpstreamConnection } from "./upstream-connection.ts";

export interface UpstreamPoolOptions extends ConnectionTimeouts {
  /** Connections at the same time. */
  readonly maxConnections: number;
  /** Requests that may wait for one; more are refused with `no_capacity`. */
  readonly maxWaiting: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

export type Acquired =
  | { readonly kind: "connection"; readonly connection: UpstreamConnection }
  | { readonly kind: "refused"; readonly error: VelocityError };

interface Waiter {
  readonly deliver: (acquired: Acquired) => void;
}

const SWEEP_MS = 1000;

/**
 * Keep-alive connections to one endpoint of one generation of one container. Never shared between two of them: a reused
 * address must not serve another session's bytes.
 */
export class UpstreamPool implements ConnectionOwner {
  readonly #endpoint: Endpoint;
  readonly #options: UpstreamPoolOptions;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  readonly #waiting: Waiter[] = [];
  readonly now: () => number;
  #sweep: NodeJS.Timeout | null = null;
  #retired = false;
  #onEmpty: (() => void)[] = [];

  constructor(endpoint: Endpoint, options: UpstreamPoolOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.now = options.now ?? (() => performance.now());
  }

  get size(): number {
    return this.#all.size;
  }

  /** Calls back, once, when the last connection is gone or the first could not be made. */
  onceEmpty(listener: () => void): void {
    this.#onEmpty.push(listener);
  }

  /**
   * Delivers a connection, at once where one is free or may be dialled. `fresh` prefers a new one: a request that must not
   * be repeated should not meet an idle close. Returns how to stop waiting.
   */
  acquire(fresh: boolean, deliver: (acquired: Acquired) => void): () => void {
    const reused = fresh && this.#all.size < this.#options.maxConnections ? undefined : this.#idle.pop();
    if (reused !== undefined) {
      deliver({ kind: "connection", connection: reused });
      return noop;
    }
    if (this.#all.size < this.#options.maxConnections) {
      deliver(this.#dial());
      return noop;
    }
    if (this.#waiting.length >= this.#options.maxWaiting) {
      deliver({
        kind: "refused",
        error: new VelocityError("no_capacity", "Too many requests to this preview at once."),
      });
      return noop;
    }
    const waiter: Waiter = { deliver };
    this.#waiting.push(waiter);
    return () => {
      const at = this.#waiting.indexOf(waiter);
      if (at !== -1) this.#waiting.splice(at, 1);
    };
  }

  onIdle(connection: UpstreamConnection): void {
    if (this.#retired) {
      connection.abort();
      return;
    }
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) waiter.deliver({ kind: "connection", connection });
    else this.#idle.push(connection);
  }

  onClosed(connection: UpstreamConnection): void {
    this.#all.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    while (this.#all.size < this.#options.maxConnections) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) break;
      waiter.deliver(this.#dial());
    }
    this.#checkEmpty();
  }

  /** No connection is reused any more; exchanges under way may finish. */
  retire(): void {
    this.#retired = true;
    for (const connection of this.#idle.splice(0)) connection.abort();
  }

  /** Ends everything, exchanges under way as well. */
  destroy(): void {
    this.retire();
    for (const waiter of this.#waiting.splice(0)) waiter.deliver({ kind: "refused", error: gone() });
    for (const connection of [...this.#all]) connection.destroy();
  }

  #dial(): Acquired {
    try {
      const socket = connectEndpoint(this.#endpoint);
      const connection = new UpstreamConnection(socket, this, this.#options);
      this.#all.add(connection);
      this.#start();
      return { kind: "connection", connection };
    } catch (cause) {
      this.#checkEmpty();
      return { kind: "refused", error: cause instanceof VelocityError ? cause : gone(cause) };
    }
  }

  #start(): void {
    if (this.#sweep !== null) return;
    const everyMs = Math.min(SWEEP_MS, Math.max(10, this.#options.firstByteMs / 4));
    this.#sweep = setInterval(() => {
      const now = this.now();
      for (const connection of [...this.#all]) connection.expire(now);
    }, everyMs);
    this.#sweep.unref();
  }

  #checkEmpty(): void {
    if (this.#all.size > 0) return;
    if (this.#sweep !== null) clearInterval(this.#sweep);
    this.#sweep = null;
    for (const listener of this.#onEmpty.splice(0)) listener();
  }
}

function gone(cause?: unknown): VelocityError {
  return new VelocityError("session_unavailable", "The preview is not running right now.", { cause });
}

function noop(): void {}
