import { type Store, silentLog } from "@velocity/core";
import { sql } from "kysely";
import { connectPglite } from "../database/connect-pglite.ts";
import { connectPostgres } from "../database/connect-postgres.ts";
import { storeOn } from "../open-store.ts";

/** A real store that tests use one after the other. */
export interface TestStore {
  readonly store: Store;
  /** Removes everything but the installation's id. Nobody may be using it. */
  empty(): Promise<void>;
}

/** Opens PostgreSQL, or PGlite without a folder. The caller closes `store`. */
export async function openTestStore(target: { readonly databaseUrl: string } | "memory"): Promise<TestStore> {
  const db =
    target === "memory"
      ? await connectPglite("memory://", silentLog)
      : await connectPostgres(target.databaseUrl, silentLog);
  return {
    store: storeOn(db, () => db.destroy()),
    async empty() {
      await sql`delete from preview_sessions`.execute(db);
      await sql`delete from projects`.execute(db);
      await sql`delete from container_pool`.execute(db);
      await sql`delete from idempotency_keys`.execute(db);
      await sql`delete from leases`.execute(db);
    },
  };
}
