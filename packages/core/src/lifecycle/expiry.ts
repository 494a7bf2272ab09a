import type { Tier } from "@velocity/contract";

/** Age runs from the last activity. The tier `local` has no limits. */
export function expiryOf(
  session: { readonly tier: Tier; readonly lastActivityAt: Date; readonly expiresAt: Date | null },
  settings: { readonly maxSessionAgeMs: number },
): Date | null {
  if (session.tier === "local") return null;
  const byActivity = session.lastActivityAt.getTime() + settings.maxSessionAgeMs;
  return new Date(Math.max(byActivity, session.expiresAt?.getTime() ?? 0));
}
