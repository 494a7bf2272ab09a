import type { Resources, Tier } from "./session.ts";

/** Session configuration as fixed in the interface; every value may be overridden per instance, project or request. */
export const SESSION_DEFAULTS = {
  enableSessionReuse: true,
  maxSessionAgeMs: 24 * 3_600_000,
  reconnectionGracePeriodMs: 5 * 60_000,
  enableStateSnapshots: false,
  snapshotFrequencyMs: 5 * 60_000,
  maxSnapshotBytes: 50 * 1024 * 1024,
  preserveBrowserState: true,
  enableContainerPooling: true,
  maxIdleTimeMs: 15 * 60_000,
  hibernateAfterMs: 30 * 60_000,
  suspendOnIdle: true,
  preferredSessionMode: "auto",
  autoSaveEnabled: true,
  warnOnSessionExpiry: true,
  expiryWarningMs: 5 * 60_000,
  autoResume: true,
} as const;

export interface TierLimits {
  readonly resources: Resources;
  readonly maxDurationMs: number | null;
  readonly maxAwakeSessions: number | null;
}

/** `local` is the tier of an installation without authentication: no limits. */
export const TIERS: Readonly<Record<Tier, TierLimits>> = {
  local: {
    resources: { cpus: null, memoryMb: null, diskMb: null },
    maxDurationMs: null,
    maxAwakeSessions: null,
  },
  free: {
    resources: { cpus: 1, memoryMb: 1024, diskMb: 2048 },
    maxDurationMs: 2 * 3_600_000,
    maxAwakeSessions: 2,
  },
  pro: {
    resources: { cpus: 2, memoryMb: 2048, diskMb: 10_240 },
    maxDurationMs: 24 * 3_600_000,
    maxAwakeSessions: 5,
  },
  team: {
    resources: { cpus: 4, memoryMb: 4096, diskMb: 20_480 },
    maxDurationMs: 7 * 24 * 3_600_000,
    maxAwakeSessions: 20,
  },
};
