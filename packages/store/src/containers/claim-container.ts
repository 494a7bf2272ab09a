import type { ContainerStore } from "@velocity/core";
import { type Kysely, type Selectable, sql } from "kysely";
import type { ContainerTable, Tables } from "../database/tables.ts";

/** A member that another claim holds at this moment is passed over; if that claim then fails, we look again. */
const MAX_ROUNDS = 5;

/**
 * Takes the oldest available member. The outer `status` decides, compare-and-set; `skip locked` only keeps concurrent
 * claims from waiting for the same row.
 */
export async function claimContainer(
  db: Kysely<Tables>,
  poolKey: string,
  to: Parameters<ContainerStore["claim"]>[1],
): Promise<Selectable<ContainerTable> | null> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const claimed = await db
      .updateTable("container_pool")
      .set({
        status: "assigned",
        session_id: to.sessionId,
        project_id: to.projectId,
        generation: to.generation,
        claimed_at: to.at,
        version: sql<number>`version + 1`,
      })
      .where("status", "=", sql.lit("available"))
      .where("id", "=", (where) =>
        where
          .selectFrom("container_pool")
          .select("id")
          .where("pool_key", "=", poolKey)
          .where("status", "=", sql.lit("available"))
          .orderBy("created_at")
          .limit(1)
          .forUpdate()
          .skipLocked(),
      )
      .returningAll()
      .executeTakeFirst();
    if (claimed !== undefined) return claimed;
    const left = await db
      .selectFrom("container_pool")
      .select("id")
      .where("pool_key", "=", poolKey)
      .where("status", "=", sql.lit("available"))
      .limit(1)
      .executeTakeFirst();
    if (left === undefined) return null;
  }
  return null;
}
