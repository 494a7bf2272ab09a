import type { NewSession, SessionRecord } from "@velocity/core";
import { type Kysely, sql } from "kysely";
import { toText } from "../database/json.ts";
import type { Tables } from "../database/tables.ts";
import { toSessionRecord, toSessionRow } from "./session-row.ts";

/** The other session may end between our insert and our look; each round then needs another start and end in between. */
const MAX_ROUNDS = 10;

/**
 * The partial unique index decides: of any number of concurrent inserts for one (project, user) one creates a
 * persistent session, and the others get that one. Row, first history entry and first event are one statement.
 */
export async function insertSession(
  db: Kysely<Tables>,
  session: NewSession,
  reason: string,
): Promise<{ kind: "created" | "exists"; session: SessionRecord }> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const created = await tryInsert(db, session, reason);
    if (created !== null) return { kind: "created", session: created };
    const existing = await findLivePersistent(db, session);
    if (existing !== null) return { kind: "exists", session: existing };
  }
  throw new Error("sessions of this project and user start and end faster than they can be read");
}

async function tryInsert(
  db: Kysely<Tables>,
  session: NewSession,
  reason: string,
): Promise<SessionRecord | null> {
  const row = await db
    .with("created", (q) =>
      q
        .insertInto("preview_sessions")
        .values(toSessionRow(session))
        // Literals: an index is only inferred from a condition without parameters.
        .onConflict((conflict) =>
          conflict
            .columns(["project_id", "user_id"])
            .where("mode", "=", sql.lit("persistent"))
            .where("state", "<>", sql.lit("terminated"))
            .doNothing(),
        )
        .returningAll(),
    )
    .with("noted", (q) =>
      q
        .insertInto("session_state_history")
        .columns(["session_id", "at", "to_state", "level", "generation", "reason", "metadata"])
        .expression(
          q
            .selectFrom("created")
            .select([
              "created.id",
              "created.created_at",
              "created.state",
              "created.level",
              "created.generation",
              sql<string>`${toText(reason)}::text`.as("reason"),
              sql<string>`'{}'::jsonb`.as("metadata"),
            ]),
        ),
    )
    .with("told", (q) =>
      q
        .insertInto("events")
        .columns(["session_id", "type", "at", "data"])
        .expression(
          q.selectFrom("created").select([
            "created.id",
            sql<"state">`'state'`.as("type"),
            "created.created_at",
            sql<string>`jsonb_build_object('state', created.state, 'level', created.level, 'from', null,
                'reason', ${toText(reason)}::text)`.as("data"),
          ]),
        ),
    )
    .selectFrom("created")
    .selectAll()
    .executeTakeFirst();
  return row === undefined ? null : toSessionRecord(row);
}

async function findLivePersistent(db: Kysely<Tables>, session: NewSession): Promise<SessionRecord | null> {
  const row = await db
    .selectFrom("preview_sessions")
    .selectAll()
    .where("project_id", "=", session.projectId)
    .where("user_id", "=", session.userId)
    .where("mode", "=", sql.lit("persistent"))
    .where("state", "<>", sql.lit("terminated"))
    .executeTakeFirst();
  return row === undefined ? null : toSessionRecord(row);
}
