import { chmodSync, linkSync, lstatSync, renameSync } from "node:fs";
import type { Server } from "node:net";
import { dirname, join } from "node:path";
import { remove } from "./socket-folder.ts";

/**
 * Listens on a Unix socket that appears under its name only when it answers. `replace` takes the name over in one step
 * from whoever had it; otherwise the name must be free, and false says that it was not (the server is closed then).
 */
export async function listenAtomically(
  server: Server,
  path: string,
  options: { readonly replace: boolean; readonly unique: string },
): Promise<boolean> {
  const temporary = join(dirname(path), `.${process.pid}-${options.unique}`);
  remove(temporary);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(temporary, () => {
      server.off("error", reject);
      resolve();
    });
  });
  chmodSync(temporary, 0o666);
  if (options.replace) {
    renameSync(temporary, path);
    return true;
  }
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    server.close();
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  } finally {
    remove(temporary);
  }
}

/** Identifies what is at a path; null: nothing. */
export function inodeAt(path: string): bigint | null {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino ?? null;
}
