import type { UserId } from "@velocity/contract";
import type { IdempotencyStore } from "@velocity/core";

/** Answers by user and key, in a map. */
export class MemoryIdempotency implements IdempotencyStore {
  readonly #rows = new Map<
    string,
    { fingerprint: string; answer: { status: number; body: string } | null }
  >();

  async begin(key: string, userId: UserId, fingerprint: string) {
    const row = this.#rows.get(`${userId} ${key}`);
    if (row === undefined) {
      this.#rows.set(`${userId} ${key}`, { fingerprint, answer: null });
      return { kind: "fresh" } as const;
    }
    if (row.fingerprint !== fingerprint) return { kind: "mismatch" } as const;
    return row.answer === null ? ({ kind: "busy" } as const) : ({ kind: "done", ...row.answer } as const);
  }
  async complete(key: string, userId: UserId, status: number, body: string) {
    const row = this.#rows.get(`${userId} ${key}`);
    if (row !== undefined) row.answer = { status, body };
  }
  async abandon(key: string, userId: UserId) {
    this.#rows.delete(`${userId} ${key}`);
  }
}
