/** After a crash of a server that had been listening: this many new starts within the window, then the error page. */
const MAX_RESTARTS = 3;
const WINDOW_MS = 60_000;
const FIRST_DELAY_MS = 100;
const DEBOUNCE_MS = 150;
const MAX_DELAY_MS = 5000;

export type AfterCrash =
  | { readonly action: "restart"; readonly delayMs: number }
  | { readonly action: "give-up" };

/** What to do about a crash now, given the times of earlier ones. Pure. */
export function afterCrash(crashesMs: readonly number[], nowMs: number): AfterCrash {
  const recent = crashesMs.filter((at) => nowMs - at < WINDOW_MS).length;
  if (recent >= MAX_RESTARTS) return { action: "give-up" };
  return { action: "restart", delayMs: FIRST_DELAY_MS * 5 ** recent };
}

/** How long to wait after a changed file until a failed server is started again: longer the more often it failed in a row. */
export function delayAfterChange(failuresInARow: number): number {
  return Math.min(DEBOUNCE_MS * 2 ** Math.max(0, failuresInARow - 1), MAX_DELAY_MS);
}
