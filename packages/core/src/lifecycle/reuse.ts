import type { SessionState } from "@velocity/contract";
import type { SessionRecord } from "../session-record.ts";

/** Disconnected and suspended ones are free; an active one is the user's own other tab; a pending one is joined. */
const RANK: Readonly<Record<SessionState, number>> = {
  disconnected: 0,
  suspended: 1,
  active: 2,
  pending: 3,
  terminated: 4,
};

/** Sessions that a start may hand out, best first: by state, then newest activity. Ending ones are left out. */
export function reuseCandidates(
  live: readonly SessionRecord[],
  mode: SessionRecord["mode"],
): readonly SessionRecord[] {
  return live
    .filter((session) => session.mode === mode && session.state !== "terminated")
    .filter((session) => session.operation?.kind !== "terminating")
    .toSorted(
      (a, b) => RANK[a.state] - RANK[b.state] || b.lastActivityAt.getTime() - a.lastActivityAt.getTime(),
    );
}
