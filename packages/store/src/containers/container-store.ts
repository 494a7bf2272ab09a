import type { ContainerPatch, ContainerRecord, ContainerStore } from "@velocity/core";
import { type Kysely, type Selectable, sql, type Updateable } from "kysely";
import type { ContainerTable, Tables } from "../database/tables.ts";
import { claimContainer } from "./claim-container.ts";

export function containerStore(db: Kysely<Tables>): ContainerStore {
  return {
    claim: async (poolKey, to) => {
      const row = await claimContainer(db, poolKey, to);
      return row === null ? null : toContainerRecord(row);
    },

    async insert(container) {
      const row = await db
        .insertInto("container_pool")
        .values({
          id: container.id,
          driver: container.driver,
          ref: container.ref,
          status: container.status,
          session_id: container.sessionId,
          project_id: container.projectId,
          generation: container.generation,
          pool_key: container.poolKey,
          tier: container.tier,
          created_at: container.createdAt,
          claimed_at: container.claimedAt,
          version: 1,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toContainerRecord(row);
    },

    async get(id) {
      const row = await db.selectFrom("container_pool").selectAll().where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : toContainerRecord(row);
    },

    async listLive() {
      const rows = await db
        .selectFrom("container_pool")
        .selectAll()
        .where("status", "<>", sql.lit("destroyed"))
        .orderBy("created_at")
        .orderBy("id")
        .execute();
      return rows.map(toContainerRecord);
    },

    async countByPoolKey() {
      const { rows } = await sql<{ pool_key: string; available: number; creating: number }>`
        select pool_key,
          count(*) filter (where status = 'available')::int as available,
          count(*) filter (where status = 'creating')::int as creating
        from container_pool
        where pool_key is not null and status in ('available', 'creating')
        group by pool_key`.execute(db);
      return new Map(rows.map((row) => [row.pool_key, { available: row.available, creating: row.creating }]));
    },

    async patch(id, version, patch) {
      const row = await db
        .updateTable("container_pool")
        .set({ ...toContainerChanges(patch), version: version + 1 })
        .where("id", "=", id)
        .where("version", "=", version)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? { kind: "stale" } : { kind: "written", record: toContainerRecord(row) };
    },
  };
}

function toContainerRecord(row: Selectable<ContainerTable>): ContainerRecord {
  return {
    id: row.id,
    driver: row.driver,
    ref: row.ref,
    status: row.status,
    sessionId: row.session_id,
    projectId: row.project_id,
    generation: row.generation,
    poolKey: row.pool_key,
    tier: row.tier,
    createdAt: row.created_at,
    claimedAt: row.claimed_at,
    version: row.version,
  };
}

function toContainerChanges(patch: ContainerPatch): Updateable<ContainerTable> {
  return {
    ...(patch.ref !== undefined && { ref: patch.ref }),
    ...(patch.status !== undefined && { status: patch.status }),
    ...(patch.sessionId !== undefined && { session_id: patch.sessionId }),
    ...(patch.projectId !== undefined && { project_id: patch.projectId }),
    ...(patch.generation !== undefined && { generation: patch.generation }),
    ...(patch.claimedAt !== undefined && { claimed_at: patch.claimedAt }),
  };
}
