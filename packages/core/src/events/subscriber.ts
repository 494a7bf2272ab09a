import type { SessionEvent } from "@velocity/contract";

const BOUND = 5_000;

/** One reader of a session's events. A reader that lets the queue fill is ended: it comes back with `Last-Event-ID`. */
export class Subscriber implements AsyncIterable<SessionEvent> {
  readonly #queue: SessionEvent[] = [];
  readonly #release: () => void;
  #wake: (() => void) | null = null;
  #ended = false;

  constructor(signal: AbortSignal, release: () => void) {
    const onAbort = () => this.end();
    this.#release = () => {
      signal.removeEventListener("abort", onAbort);
      release();
    };
    if (signal.aborted) this.#ended = true;
    else signal.addEventListener("abort", onAbort, { once: true });
  }

  push(event: SessionEvent): void {
    if (this.#ended) return;
    this.#queue.push(event);
    if (this.#queue.length > BOUND) this.end();
    this.#wake?.();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#release();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<SessionEvent> {
    try {
      for (;;) {
        const event = this.#queue.shift();
        if (event !== undefined) {
          yield event;
          continue;
        }
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    } finally {
      this.end();
    }
  }
}
