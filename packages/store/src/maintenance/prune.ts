import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/tables.ts";
import { IDEMPOTENCY_TTL_MS } from "../idempotency/idempotency-store.ts";

const EVENT_RETENTION_MS = 7 * 24 * 3_600_000;
/** Rows per statement: each is short, so that nobody waits long behind it. */
const BATCH_ROWS = 1_000;
const MAX_BATCHES = 100;

export interface Pruned {
  readonly events: number;
  readonly idempotencyKeys: number;
  readonly leases: number;
}

/**
 * Deletes what nobody will ask for any more: events older than `eventRetentionMs` (a week), idempotency keys past
 * their day, leases expired for a day. Bounded work per call; call it now and then from any number of servers.
 */
export async function prune(
  db: Kysely<Tables>,
  now: Date,
  eventRetentionMs: number = EVENT_RETENTION_MS,
): Promise<Pruned> {
  return {
    events: await pruneEvents(db, new Date(now.getTime() - eventRetentionMs)),
    idempotencyKeys: await affected(
      sql`delete from idempotency_keys where created_at <= ${new Date(now.getTime() - IDEMPOTENCY_TTL_MS)}::timestamptz`,
    ),
    leases: await affected(sql`delete from leases where expires_at <= now() - interval '1 day'`),
  };

  async function affected(statement: ReturnType<typeof sql>): Promise<number> {
    return Number((await statement.execute(db)).numAffectedRows ?? 0n);
  }
}

/** Ids grow with time, so the oldest batch by id tells whether anything is old, without an index on the time. */
async function pruneEvents(db: Kysely<Tables>, before: Date): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch++) {
    const result = await sql`
      delete from events where id in (
        select id from (select id, at from events order by id limit ${BATCH_ROWS}) as oldest
        where at < ${before}::timestamptz
      )`.execute(db);
    const deleted = Number(result.numAffectedRows ?? 0n);
    total += deleted;
    if (deleted < BATCH_ROWS) break;
  }
  return total;
}
