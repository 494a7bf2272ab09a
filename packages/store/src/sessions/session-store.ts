import type { SessionState } from "@velocity/contract";
import type { SessionStore } from "@velocity/core";
import { type Kysely, sql } from "kysely";
import {
  decodeIdCursor,
  decodeTimeCursor,
  encodeIdCursor,
  encodeTimeCursor,
  toPage,
} from "../database/cursor.ts";
import type { Tables } from "../database/tables.ts";
import { findOverdue } from "./find-overdue.ts";
import { insertSession } from "./insert-session.ts";
import { toHistoryEntry, toSessionChanges, toSessionRecord } from "./session-row.ts";
import { transitionSession } from "./transition-session.ts";

export function sessionStore(db: Kysely<Tables>): SessionStore {
  return {
    insert: (session, reason) => insertSession(db, session, reason),
    transition: (id, version, to, patch) => transitionSession(db, id, version, to, patch),
    findOverdue: (now) => findOverdue(db, now),

    async get(id) {
      const row = await db.selectFrom("preview_sessions").selectAll().where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : toSessionRecord(row);
    },

    async findLive(projectId, userId) {
      const rows = await db
        .selectFrom("preview_sessions")
        .selectAll()
        .where("project_id", "=", projectId)
        .where("user_id", "=", userId)
        .where("state", "<>", sql.lit("terminated"))
        .orderBy("last_activity", "desc")
        .orderBy("id")
        .execute();
      return rows.map(toSessionRecord);
    },

    async list(filter, page) {
      let query = db
        .selectFrom("preview_sessions")
        .selectAll()
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(page.limit + 1);
      if (filter.projectId !== undefined) query = query.where("project_id", "=", filter.projectId);
      if (filter.userId !== undefined) query = query.where("user_id", "=", filter.userId);
      if (filter.states !== undefined)
        query = query.where("state", "=", sql<SessionState>`any(${[...filter.states]}::text[])`);
      if (page.cursor !== undefined) {
        const { at, id } = decodeTimeCursor(page.cursor);
        query = query.where(sql<boolean>`(created_at, id) < (${at}::timestamptz, ${id}::uuid)`);
      }
      const rows = await query.execute();
      return toPage(rows.map(toSessionRecord), page.limit, (last) =>
        encodeTimeCursor({ at: last.createdAt, id: last.id }),
      );
    },

    async patch(id, version, patch) {
      const row = await db
        .updateTable("preview_sessions")
        .set({ ...toSessionChanges(patch), version: version + 1 })
        .where("id", "=", id)
        .where("version", "=", version)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? { kind: "stale" } : { kind: "written", record: toSessionRecord(row) };
    },

    async history(id, page) {
      let query = db
        .selectFrom("session_state_history")
        .selectAll()
        .where("session_id", "=", id)
        .orderBy("id")
        .limit(page.limit + 1);
      if (page.cursor !== undefined)
        query = query.where(sql<boolean>`id > ${decodeIdCursor(page.cursor)}::bigint`);
      const rows = await query.execute();
      return toPage(rows.map(toHistoryEntry), page.limit, (last) => encodeIdCursor(last.id));
    },

    async touch(ids, at) {
      if (ids.length === 0) return;
      // Locked in the order of ids, so that two servers touching the same sessions cannot deadlock.
      await sql`
        update preview_sessions set last_activity = ${at}
        from (
          select id from preview_sessions
          where id = any(${[...ids]}::uuid[]) and state <> 'terminated' and last_activity < ${at}::timestamptz
          order by id for no key update
        ) as touched
        where preview_sessions.id = touched.id`.execute(db);
    },
  };
}
