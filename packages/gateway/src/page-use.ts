import type { SessionId } from "@velocity/contract";
import type { RequestFacts } from "./request-facts.ts";
import { isBackground } from "./wake-intent.ts";

/** Finer than the lookup's own batching of 10 s, so that nothing of it is lost. */
const EVERY_MS = 1000;

/** Notes that a page is used, at most once a second per session: more would only cost time on the hot path. */
export class PageUse {
  readonly #touch: (id: SessionId) => void;
  readonly #max: number;
  readonly #now: () => number;
  readonly #noted = new Map<SessionId, number>();

  constructor(touch: (id: SessionId) => void, max: number, now: () => number) {
    this.#touch = touch;
    this.#max = max;
    this.#now = now;
  }

  /** `facts` are only read where the answer could count. */
  note(id: SessionId, method: string, target: string, facts: () => RequestFacts): void {
    const now = this.#now();
    if (now - (this.#noted.get(id) ?? Number.NEGATIVE_INFINITY) < EVERY_MS) return;
    if (isBackground(method, target, facts())) return;
    if (this.#noted.size >= this.#max) this.#noted.clear();
    this.#noted.set(id, now);
    this.#touch(id);
  }
}
