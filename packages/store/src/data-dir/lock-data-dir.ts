import { mkdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { VelocityError } from "@velocity/contract";
import { unusableDataDir } from "./unusable-data-dir.ts";

const LOCK_FILE = "lock";
const OWNER_FILE = "lock.pid";
/** SQLITE_BUSY, https://www.sqlite.org/rescode.html#busy */
const SQLITE_BUSY = 5;

export interface DataDirLock {
  /** May be called more than once. */
  release(): void;
}

/**
 * Makes this process the only user of a folder; creates the folder where it is missing. The lock ends with `release`
 * or with the process, however that ends.
 *
 * It is the exclusive lock that SQLite takes on an empty database file: a POSIX record lock of the kernel, which dies
 * with the process (kill -9 included), is not inherited by child processes that live on, and holds across containers
 * that share a volume, which an abstract socket does not. Node offers no `flock` of its own.
 *
 * Throws `data_dir_locked` (naming the other process where known) and `data_dir_unusable`.
 */
export async function lockDataDir(directory: string): Promise<DataDirLock> {
  const folder = await makeFolder(directory);
  const file = openExclusively(join(folder, LOCK_FILE));
  if (file === null) {
    const pid = await readOwner(folder);
    throw new VelocityError(
      "data_dir_locked",
      pid === null
        ? "Another Velocity server is using this data folder."
        : `Another Velocity server (process ${pid}) is using this data folder.`,
      { context: { directory, pid } },
    );
  }
  let held = true;
  const release = () => {
    if (!held) return;
    held = false;
    process.off("exit", release);
    file.close();
  };
  // Not only tidy: SQLite's handle is garbage-collected, and unlocks, when nothing refers to it any more.
  process.once("exit", release);
  try {
    await writeFile(join(folder, OWNER_FILE), `${process.pid}\n`);
  } catch (cause) {
    release();
    throw unusableDataDir(directory, cause);
  }
  return { release };
}

async function makeFolder(directory: string): Promise<string> {
  try {
    await makeWithParents(resolve(directory));
    const probe = join(directory, `.probe-${process.pid}`);
    await writeFile(probe, "probe");
    await rm(probe);
    return await realpath(directory);
  } catch (cause) {
    throw unusableDataDir(directory, cause);
  }
}

/** Not `mkdir` with `recursive`: Node 24 never returns from that on a file system that takes no folders, such as /proc. */
async function makeWithParents(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "EEXIST") return;
    const parent = dirname(directory);
    if (code !== "ENOENT" || parent === directory || (await exists(parent))) throw error;
    await makeWithParents(parent);
    await makeWithParents(directory);
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** Null: someone else holds it. */
function openExclusively(path: string): DatabaseSync | null {
  let file: DatabaseSync | undefined;
  try {
    file = new DatabaseSync(path, { timeout: 0 });
    file.exec("begin exclusive");
    return file;
  } catch (cause) {
    file?.close();
    if (cause instanceof Error && "errcode" in cause && cause.errcode === SQLITE_BUSY) return null;
    throw unusableDataDir(path, cause);
  }
}

async function readOwner(folder: string): Promise<number | null> {
  const text = await readFile(join(folder, OWNER_FILE), "utf8").catch(() => "");
  return /^\d+\n$/.test(text) ? Number(text) : null;
}
