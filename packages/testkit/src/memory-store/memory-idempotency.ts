import type { IdempotencyStore } from "@velocity/core";

/** An answer is kept for a day; a request without one is given up after a quarter of an hour. */
const KEPT_MS = 24 * 3_600_000;
const ABANDONED_MS = 15 * 60_000;

export function memoryIdempotency(yieldOnce: () => Promise<void>): IdempotencyStore {
  const keys = new Map<
    string,
    { readonly fingerprint: string; readonly at: Date; answer: { status: number; body: string } | null }
  >();
  const nameOf = (key: string, userId: string) => `${userId} ${key}`;

  return {
    async begin(key, userId, fingerprint, at) {
      await yieldOnce();
      const held = keys.get(nameOf(key, userId));
      const age = held === undefined ? 0 : at.getTime() - held.at.getTime();
      if (held === undefined || age >= (held.answer === null ? ABANDONED_MS : KEPT_MS)) {
        keys.set(nameOf(key, userId), { fingerprint, at, answer: null });
        return { kind: "fresh" };
      }
      if (held.fingerprint !== fingerprint) return { kind: "mismatch" };
      return held.answer === null ? { kind: "busy" } : { kind: "done", ...held.answer };
    },

    async complete(key, userId, status, body) {
      await yieldOnce();
      const held = keys.get(nameOf(key, userId));
      if (held !== undefined && held.answer === null) held.answer = { status, body };
    },

    async abandon(key, userId) {
      await yieldOnce();
      if (keys.get(nameOf(key, userId))?.answer === null) keys.delete(nameOf(key, userId));
    },
  };
}
