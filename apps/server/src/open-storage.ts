import type { Store } from "@velocity/core";
import { lockDataDir, openStore } from "@velocity/store";
import type { Logger } from "pino";
import type { Config } from "./config/schema.ts";

/** The database, and the lock on the data folder that keeps a second server out. */
export interface Storage {
  readonly store: Store;
  close(): Promise<void>;
}

/** Throws `data_dir_locked`, `data_dir_newer`, `data_dir_unusable` or `database_unavailable`. */
export async function openStorage(config: Config, log: Logger): Promise<Storage> {
  const lock = await lockDataDir(config.dataDir);
  try {
    const where =
      config.databaseUrl === null
        ? { dataDir: config.dataDir }
        : { databaseUrl: config.databaseUrl.reveal() };
    const store = await openStore(where, { log });
    return {
      store,
      close: async () => {
        await store.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
