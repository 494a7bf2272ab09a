import type { OperationKind, SuspendLevel } from "@velocity/contract";
import type { ContainerStatus } from "../ports/driver.ts";
import type { SessionRecord } from "../session-record.ts";
import { expiryOf } from "./expiry.ts";

/** What the engine says about a session's container. `missing` counts consecutive passes without it. */
export type Observed =
  | { readonly kind: "none" }
  | { readonly kind: "present"; readonly status: Exclude<ContainerStatus, "gone"> }
  | { readonly kind: "missing"; readonly passes: number };

/** What a reconcile pass does about one session. */
export type Action =
  /** Finish what an owner who vanished began. */
  | { readonly type: "repair"; readonly kind: OperationKind }
  /** Listen to a live container again. */
  | { readonly type: "attach" }
  /** Bring an active session's container back, with its workspace. */
  | { readonly type: "recover"; readonly reason: string }
  | { readonly type: "suspend"; readonly level: SuspendLevel; readonly reason: string }
  /** It should be asleep and runs. */
  | { readonly type: "sleep-again"; readonly level: SuspendLevel; readonly reason: string }
  /** The engine shows another depth of sleep than the row: the row follows. */
  | { readonly type: "record-level"; readonly level: SuspendLevel; readonly reason: string }
  | { readonly type: "terminate"; readonly reason: string };

export interface PlanSettings {
  readonly suspendOnIdle: boolean;
  readonly maxIdleTimeMs: number;
  readonly hibernateAfterMs: number;
  readonly maxSessionAgeMs: number;
  /** The driver keeps memory when it suspends. */
  readonly freezes: boolean;
}

/** Misses of a container before anything is done about it: one pass may be a race. */
const MISSES = 2;

/**
 * What to do about one session, given what the engine shows. Pure, and a table: the first row that applies is taken.
 * `attached` says whether this process listens to the container already; `abandoned`, whether the row's operation has no
 * living owner. A row with a living operation is left to it.
 */
export function plan(
  session: SessionRecord,
  observed: Observed,
  at: {
    readonly now: Date;
    readonly attached: boolean;
    readonly abandoned: boolean;
    readonly settings: PlanSettings;
  },
): readonly Action[] {
  if (session.state === "terminated") return [];
  if (session.operation !== null) {
    return at.abandoned ? [{ type: "repair", kind: session.operation.kind }] : [];
  }
  const { settings } = at;
  const now = at.now.getTime();
  const expiry = expiryOf(session, settings);
  if (expiry !== null && expiry.getTime() <= now) return [{ type: "terminate", reason: "expired" }];

  switch (session.state) {
    case "pending":
      return [{ type: "repair", kind: "starting" }];
    case "suspended":
      return planAsleep(session, observed, settings, now);
    case "active":
    case "disconnected":
      return planAwake(session, observed, { ...at, now });
  }
}

function planAsleep(
  session: SessionRecord,
  observed: Observed,
  settings: PlanSettings,
  now: number,
): readonly Action[] {
  if (observed.kind !== "present") {
    const lost = observed.kind === "none" || observed.passes >= MISSES;
    return lost && session.level === "frozen"
      ? [{ type: "record-level", level: "hibernated", reason: "container lost" }]
      : [];
  }
  if (session.level === "hibernated") {
    const runs = observed.status === "running" || observed.status === "suspended";
    return runs ? [{ type: "sleep-again", level: "hibernated", reason: "found running" }] : [];
  }
  switch (observed.status) {
    case "running":
      return [{ type: "sleep-again", level: "frozen", reason: "found running" }];
    case "stopped":
    case "created":
      return [{ type: "record-level", level: "hibernated", reason: "container stopped" }];
    case "suspended": {
      const since = session.suspendedAt?.getTime() ?? now;
      return now - since >= settings.hibernateAfterMs
        ? [{ type: "suspend", level: "hibernated", reason: "frozen for long" }]
        : [];
    }
  }
}

function planAwake(
  session: SessionRecord,
  observed: Observed,
  at: { readonly now: number; readonly attached: boolean; readonly settings: PlanSettings },
): readonly Action[] {
  const { settings } = at;
  if (observed.kind === "none") return [{ type: "recover", reason: "no container" }];
  if (observed.kind === "missing") {
    return observed.passes >= MISSES ? [{ type: "recover", reason: "container lost" }] : [];
  }
  if (observed.status === "suspended") {
    return [{ type: "record-level", level: "frozen", reason: "found frozen" }];
  }
  if (observed.status !== "running") return [{ type: "recover", reason: "container stopped" }];
  if (settings.suspendOnIdle && at.now - session.lastActivityAt.getTime() >= settings.maxIdleTimeMs) {
    return [{ type: "suspend", level: settings.freezes ? "frozen" : "hibernated", reason: "idle" }];
  }
  return at.attached ? [] : [{ type: "attach" }];
}
