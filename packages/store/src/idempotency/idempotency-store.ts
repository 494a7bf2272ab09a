import type { IdempotencyStore } from "@velocity/core";
import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/tables.ts";

/** A kept answer is repeated for this long; later the key is free again. */
export const IDEMPOTENCY_TTL_MS = 24 * 3_600_000;
/** Longer than any request may take: whoever began then has died without an answer. */
const ABANDONED_MS = 15 * 60_000;

export function idempotencyStore(db: Kysely<Tables>): IdempotencyStore {
  return {
    async begin(key, userId, fingerprint, at) {
      // One statement decides who is first; an expired or abandoned row is taken over by exactly one request.
      const taken = await sql`
        insert into idempotency_keys (user_id, key, fingerprint, created_at)
        values (${userId}, ${key}, ${fingerprint}, ${at})
        on conflict (user_id, key) do update
          set fingerprint = excluded.fingerprint, status = null, body = null, created_at = excluded.created_at
          where idempotency_keys.created_at <= ${new Date(at.getTime() - IDEMPOTENCY_TTL_MS)}::timestamptz
            or (idempotency_keys.status is null
              and idempotency_keys.created_at <= ${new Date(at.getTime() - ABANDONED_MS)}::timestamptz)
        returning key`.execute(db);
      if (taken.rows.length === 1) return { kind: "fresh" };
      const row = await db
        .selectFrom("idempotency_keys")
        .select(["fingerprint", "status", "body"])
        .where("user_id", "=", userId)
        .where("key", "=", key)
        .executeTakeFirst();
      // Abandoned between the two statements: the client may try again at once.
      if (row === undefined) return { kind: "busy" };
      if (row.fingerprint !== fingerprint) return { kind: "mismatch" };
      if (row.status === null || row.body === null) return { kind: "busy" };
      return { kind: "done", status: row.status, body: row.body };
    },

    async complete(key, userId, status, body) {
      await db
        .updateTable("idempotency_keys")
        .set({ status, body })
        .where("user_id", "=", userId)
        .where("key", "=", key)
        .where("status", "is", null)
        .execute();
    },

    async abandon(key, userId) {
      await db
        .deleteFrom("idempotency_keys")
        .where("user_id", "=", userId)
        .where("key", "=", key)
        .where("status", "is", null)
        .execute();
    },
  };
}
