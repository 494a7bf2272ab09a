import { randomUUID } from "node:crypto";
import { type InstallId, installIdSchema } from "@velocity/contract";
import type { Kysely } from "kysely";
import type { Tables } from "./database/tables.ts";

/** Reads the installation's id; the first server ever makes it, and of several the first one's counts. */
export async function installationId(db: Kysely<Tables>): Promise<InstallId> {
  await db
    .insertInto("installation")
    .values({ id: installIdSchema.parse(randomUUID()) })
    .onConflict((conflict) => conflict.column("singleton").doNothing())
    .execute();
  const row = await db.selectFrom("installation").select("id").executeTakeFirstOrThrow();
  return row.id;
}
