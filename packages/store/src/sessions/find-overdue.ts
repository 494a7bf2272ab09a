import type { SessionRecord } from "@velocity/core";
import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/tables.ts";
import { ownerLease } from "../leases/owner-lease.ts";
import { toSessionRecord } from "./session-row.ts";

/**
 * Operations past their deadline, and those whose owner let its own lease run out. An owner that never held a lease is
 * judged by the deadline alone: from silence nobody is declared dead. One indexed query, whatever the number of sessions.
 */
export async function findOverdue(db: Kysely<Tables>, now: Date): Promise<readonly SessionRecord[]> {
  const rows = await db
    .selectFrom("preview_sessions")
    .selectAll()
    .where("operation_kind", "is not", null)
    .where((where) =>
      where.or([
        where("operation_deadline_at", "<=", now),
        where.exists(
          where
            .selectFrom("leases")
            .select(sql.lit(1).as("one"))
            .where("leases.name", "=", sql<string>`${ownerLease("")} || preview_sessions.operation_owner`)
            .where("leases.expires_at", "<=", sql<Date>`now()`),
        ),
      ]),
    )
    .orderBy("operation_deadline_at")
    .execute();
  return rows.map(toSessionRecord);
}
