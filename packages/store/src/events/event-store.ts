import type { SessionEvent } from "@velocity/contract";
import { VelocityError } from "@velocity/contract";
import type { EventStore } from "@velocity/core";
import { type Kysely, type Selectable, sql } from "kysely";
import { toJson } from "../database/json.ts";
import type { EventTable, Tables } from "../database/tables.ts";

/** Larger than any identity column of ours will ever get. */
const ID = /^\d{1,18}$/;

export function eventStore(db: Kysely<Tables>): EventStore {
  return {
    /**
     * The session's row is locked first, so that ids become visible in their own order: who has read up to an id will
     * never find a smaller one later. Throws `not_found` for an unknown session.
     */
    async append(sessionId, event) {
      const { rows } = await sql<Selectable<EventTable>>`
        insert into events (session_id, type, at, data)
        select locked.id, ${event.type}, ${event.at}::timestamptz, ${toJson(event.data)}::jsonb
        from (select id from preview_sessions where id = ${sessionId} for no key update) as locked
        returning *`.execute(db);
      const row = rows[0];
      if (row === undefined) throw new VelocityError("not_found", "There is no such session.");
      return toEvent(row);
    },

    async after(sessionId, afterId, limit) {
      if (afterId !== null && !ID.test(afterId))
        throw new VelocityError("bad_request", "The event id is not one that was given out.");
      let query = db
        .selectFrom("events")
        .selectAll()
        .where("session_id", "=", sessionId)
        .orderBy("id")
        .limit(limit);
      if (afterId !== null) query = query.where(sql<boolean>`id > ${afterId}::bigint`);
      return (await query.execute()).map(toEvent);
    },
  };
}

function toEvent(row: Selectable<EventTable>): SessionEvent {
  return { id: String(row.id), type: row.type, at: row.at.toISOString(), data: row.data };
}
