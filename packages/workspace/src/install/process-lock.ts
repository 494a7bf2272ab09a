import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";

export interface ProcessLock {
  release(): void;
}

/** SQLite's code for "somebody else holds it". */
const SQLITE_BUSY = 5;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 250;

/**
 * Takes a lock that other processes of this machine respect and that ends with its holder, however that ends. It is the
 * file lock of an empty SQLite database, which Node brings along and which the kernel gives back by itself.
 * Waits until it is free; rejects with the signal's reason.
 */
export async function takeProcessLock(path: string, signal: AbortSignal): Promise<ProcessLock> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    signal.throwIfAborted();
    const lock = tryProcessLock(path);
    if (lock !== null) return lock;
    await sleep(waitMs, undefined, { signal });
  }
}

/** Null where somebody else holds it. The folder has to exist. */
export function tryProcessLock(path: string): ProcessLock | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY) return null;
    throw error;
  }
  return { release: () => database.close() };
}
