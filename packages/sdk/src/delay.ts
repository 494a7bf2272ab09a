/** Waits `ms`; rejects with the signal's reason as soon as it aborts. Leaves neither timer nor listener behind. */
export function delay(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Exponential, capped, with jitter so that many clients of one restarted server do not return at once. */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random = Math.random()): number {
  const full = Math.min(capMs, baseMs * 2 ** attempt);
  return full / 2 + (full / 2) * random;
}
