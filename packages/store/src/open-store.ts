import { join } from "node:path";
import type { Log, Store } from "@velocity/core";
import type { Kysely } from "kysely";
import { containerStore } from "./containers/container-store.ts";
import { checkDataFormat } from "./data-dir/check-format.ts";
import { lockDataDir } from "./data-dir/lock-data-dir.ts";
import { connectPglite } from "./database/connect-pglite.ts";
import { connectPostgres } from "./database/connect-postgres.ts";
import type { Tables } from "./database/tables.ts";
import { eventStore } from "./events/event-store.ts";
import { idempotencyStore } from "./idempotency/idempotency-store.ts";
import { installationId } from "./installation-id.ts";
import { type LeaseStore, leaseStore } from "./leases/lease-store.ts";
import { ping } from "./maintenance/ping.ts";
import { type Pruned, prune } from "./maintenance/prune.ts";
import { projectStore } from "./projects/project-store.ts";
import { sessionStore } from "./sessions/session-store.ts";

/** Folder of the embedded database inside the data folder. */
const DATABASE_FOLDER = "database";

/** Longest wait for a database that does not answer any more; its connections then end with the process. */
const CLOSE_MS = 3_000;

export type StoreTarget = { readonly databaseUrl: string } | { readonly dataDir: string };

/** The store, with what only the process that owns it needs. */
export interface OwnedStore extends Store {
  readonly leases: LeaseStore;
  /** Deletes what nobody will ask for any more; bounded work, for any number of servers. */
  prune(now: Date, eventRetentionMs?: number): Promise<Pruned>;
}

/**
 * Opens PostgreSQL (`databaseUrl`) or the embedded database in a data folder, and brings the schema up to date.
 * The embedded one is locked for this process until `close`.
 *
 * Throws `database_unavailable`, `data_dir_newer`, `data_dir_locked`, `data_dir_unusable`, `disk_full`.
 */
export async function openStore(target: StoreTarget, deps: { readonly log: Log }): Promise<OwnedStore> {
  if ("databaseUrl" in target) {
    const db = await connectPostgres(target.databaseUrl, deps.log);
    return storeOn(db, () => closeWithin(CLOSE_MS, db.destroy()));
  }
  const directory = join(target.dataDir, DATABASE_FOLDER);
  const lock = await lockDataDir(directory);
  try {
    await checkDataFormat(directory);
    const db = await connectPglite(join(directory, "data"), deps.log);
    return storeOn(db, async () => {
      await db.destroy().finally(() => lock.release());
    });
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** The store over a database that is open and up to date; `close` ends it. */
export function storeOn(db: Kysely<Tables>, close: () => Promise<void>): OwnedStore {
  let closing: Promise<void> | null = null;
  return {
    sessions: sessionStore(db),
    containers: containerStore(db),
    projects: projectStore(db),
    events: eventStore(db),
    idempotency: idempotencyStore(db),
    leases: leaseStore(db),
    installId: () => installationId(db),
    prune: (now, eventRetentionMs) => prune(db, now, eventRetentionMs),
    ping: (signal) => ping(db, signal),
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

async function closeWithin(ms: number, closed: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([closed, late]).finally(() => clearTimeout(timer));
}
