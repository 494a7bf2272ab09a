import { execFile } from "node:child_process";
import { chmod, lstat, rm } from "node:fs/promises";
import { promisify } from "node:util";
import { findProgram } from "./sandbox-tools.ts";

const run = promisify(execFile);

/**
 * Removes a folder that untrusted code wrote, and nothing outside of it: links are removed, not followed. Nothing may run
 * in it any more. Missing is fine.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
    return;
  } catch {
    // Paths nested deeper than the system's limit, or folders that were made unwritable.
  }
  const remove = findProgram("rm");
  const change = findProgram("chmod");
  if (remove === null || change === null) throw new Error(`cannot remove ${path}`);
  const stat = await lstat(path).catch(() => null);
  if (stat === null) return;
  if (stat.isDirectory()) {
    await chmod(path, 0o700).catch(() => undefined);
    // `chmod -R` does not follow links that it meets on its way.
    await run(change, ["-R", "u+rwX", "--", path]).catch(() => undefined);
  }
  await run(remove, ["-rf", "--one-file-system", "--", path]);
}
