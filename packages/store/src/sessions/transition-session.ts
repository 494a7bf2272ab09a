import type { SessionId } from "@velocity/contract";
import type { Cas, SessionPatch, SessionRecord, SessionStore } from "@velocity/core";
import { type Kysely, sql } from "kysely";
import { toJson, toText } from "../database/json.ts";
import type { Tables } from "../database/tables.ts";
import { toSessionChanges, toSessionRecord } from "./session-row.ts";

type Target = Parameters<SessionStore["transition"]>[2];

/**
 * The row, its history entry and its event in one statement: one round trip, one transaction. `before` reads the row
 * as it was when the statement began, which is the state that `version` names: all parts of a statement see the same
 * snapshot (https://www.postgresql.org/docs/current/queries-with.html#QUERIES-WITH-MODIFYING).
 */
export async function transitionSession(
  db: Kysely<Tables>,
  id: SessionId,
  version: number,
  to: Target,
  patch: SessionPatch,
): Promise<Cas<SessionRecord>> {
  const reason = toText(to.reason);
  const row = await db
    .with("moved", (q) =>
      q
        .updateTable("preview_sessions")
        .set({ ...toSessionChanges(patch), state: to.state, level: to.level, version: version + 1 })
        .where("id", "=", id)
        .where("version", "=", version)
        .returningAll(),
    )
    .with("noted", (q) =>
      q
        .insertInto("session_state_history")
        .columns(["session_id", "at", "from_state", "to_state", "level", "generation", "reason", "metadata"])
        .expression(
          q
            .selectFrom("moved")
            .innerJoin("preview_sessions as before", "before.id", "moved.id")
            .select([
              "moved.id",
              sql<Date>`now()`.as("at"),
              "before.state as from_state",
              "moved.state",
              "moved.level",
              "moved.generation",
              sql<string>`${reason}::text`.as("reason"),
              sql<string>`${toJson(to.metadata ?? {})}::jsonb`.as("metadata"),
            ]),
        ),
    )
    .with("told", (q) =>
      q
        .insertInto("events")
        .columns(["session_id", "type", "at", "data"])
        .expression(
          q
            .selectFrom("moved")
            .innerJoin("preview_sessions as before", "before.id", "moved.id")
            .select([
              "moved.id",
              sql<"state">`'state'`.as("type"),
              sql<Date>`now()`.as("at"),
              sql<string>`jsonb_build_object('state', moved.state, 'level', moved.level, 'from', before.state,
                'reason', ${reason}::text)`.as("data"),
            ]),
        ),
    )
    .selectFrom("moved")
    .selectAll()
    .executeTakeFirst();
  return row === undefined ? { kind: "stale" } : { kind: "written", record: toSessionRecord(row) };
}
