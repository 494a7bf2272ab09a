import { VelocityError } from "@velocity/contract";

const MAX_STREAMS = 2_000;
const MAX_STREAMS_PER_USER = 100;

/** A stream that is open. `signal` fires when its client left or the server closes; `close` gives its place back. */
export interface OpenStream {
  readonly signal: AbortSignal;
  /** Ends the stream from our side. Idempotent. */
  close(): void;
}

/** Owns every open event and log stream, so that there is a bound and an end to them. */
export class StreamRegistry {
  readonly #open = new Map<AbortController, string>();

  /** Throws `rate_limited` or `no_capacity` where there are too many. */
  open(userId: string, clientSignal: AbortSignal): OpenStream {
    if (this.#open.size >= MAX_STREAMS)
      throw new VelocityError("no_capacity", "Too many event streams are open on this server.");
    let own = 0;
    for (const owner of this.#open.values()) if (owner === userId) own++;
    if (own >= MAX_STREAMS_PER_USER)
      throw new VelocityError("rate_limited", "You have too many event streams open. Close some first.");
    const controller = new AbortController();
    const close = () => {
      clientSignal.removeEventListener("abort", close);
      this.#open.delete(controller);
      controller.abort();
    };
    this.#open.set(controller, userId);
    if (clientSignal.aborted) close();
    else clientSignal.addEventListener("abort", close, { once: true });
    return { signal: controller.signal, close };
  }

  get size(): number {
    return this.#open.size;
  }

  closeAll(): void {
    for (const controller of [...this.#open.keys()]) controller.abort();
    this.#open.clear();
  }
}
