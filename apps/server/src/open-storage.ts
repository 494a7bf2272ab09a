import type { Clock, Store } from "@velocity/core";
import { checkDataFormat, lockDataDir, type OwnedStore, openStore } from "@velocity/store";
import type { Logger } from "pino";
import type { Config } from "./config/schema.ts";

const PRUNE_EVERY_MS = 3_600_000;

/** The database, and the lock on the data folder that keeps a second server out. */
export interface Storage {
  readonly store: Store;
  close(): Promise<void>;
}

/**
 * Locks the data folder, opens the database, and from then on deletes hourly what nobody will ask for any more.
 * Throws `data_dir_locked`, `data_dir_newer`, `data_dir_unusable`, `disk_full` or `database_unavailable`.
 */
export async function openStorage(config: Config, clock: Clock, log: Logger): Promise<Storage> {
  const lock = await lockDataDir(config.dataDir);
  try {
    await checkDataFormat(config.dataDir);
    const { databaseUrl, dataDir } = config;
    const store = await openStore(
      databaseUrl === null ? { dataDir } : { databaseUrl: databaseUrl.reveal() },
      { log },
    );
    const pruning = setInterval(() => prune(store, clock, log), PRUNE_EVERY_MS);
    return {
      store,
      close: async () => {
        clearInterval(pruning);
        await store.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function prune(store: OwnedStore, clock: Clock, log: Logger): void {
  store.prune(clock.now()).then(
    (pruned) => log.debug(pruned, "old rows deleted"),
    (error: unknown) => log.warn({ err: error }, "old rows could not be deleted"),
  );
}
