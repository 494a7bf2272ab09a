import { type SessionState, type SuspendLevel, VelocityError } from "@velocity/contract";
import type { SessionRecord } from "../session-record.ts";

const MOVES: Readonly<Record<SessionState, readonly SessionState[]>> = {
  pending: ["active", "terminated"],
  active: ["suspended", "disconnected", "terminated"],
  disconnected: ["active", "suspended", "terminated"],
  suspended: ["active", "terminated"],
  terminated: [],
};

type Place = { readonly state: SessionState; readonly level: SuspendLevel | null };

/** Whether a session may move there. A change of level alone is a move too; only a suspended session has a level. */
export function mayMove(from: Place, to: Place): boolean {
  if ((to.state === "suspended") !== (to.level !== null)) return false;
  if (from.state === to.state) return from.state === "suspended" && from.level !== to.level;
  return MOVES[from.state].includes(to.state);
}

/** Throws `invalid_state`, with both states in the detail. */
export function checkMove(session: Pick<SessionRecord, "id" | "state" | "level">, to: Place): void {
  if (mayMove(session, to)) return;
  throw invalidState(session, `cannot become ${describe(to)}`);
}

export function invalidState(
  session: Pick<SessionRecord, "id" | "state" | "level">,
  why: string,
): VelocityError {
  return new VelocityError("invalid_state", `The session is ${describe(session)} and ${why}.`, {
    context: { sessionId: session.id, state: session.state, level: session.level },
  });
}

function describe(place: Place): string {
  return place.level === null ? place.state : `${place.state} (${place.level})`;
}
