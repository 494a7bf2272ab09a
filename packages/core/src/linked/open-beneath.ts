import { constants } from "node:fs";
import { type FileHandle, mkdir, open, realpath } from "node:fs/promises";
import { join } from "node:path";

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
/** Linux resolves these through the open descriptor, whatever happens to the path meanwhile (proc(5)). */
const BY_DESCRIPTOR = process.platform === "linux";

/** A folder that is held open, and a path by which its entries can be named without following a link on the way. */
export interface HeldFolder {
  readonly path: string;
  close(): Promise<void>;
}

/**
 * Walks into a folder below `root`, one name at a time, following no symbolic link. Null: there is no such folder, or a
 * link or a file stands in the way. `create` makes what is missing.
 */
export async function openBeneath(
  root: string,
  segments: readonly string[],
  create: boolean,
): Promise<HeldFolder | null> {
  if (!BY_DESCRIPTOR) return walkByName(root, segments, create);
  let held = await open(root, O_RDONLY | O_DIRECTORY);
  try {
    for (const segment of segments) {
      const next = await enter(`/proc/self/fd/${held.fd}/${segment}`, create);
      await held.close();
      if (next === null) return null;
      held = next;
    }
  } catch (error) {
    await held.close().catch(() => {});
    throw error;
  }
  return { path: `/proc/self/fd/${held.fd}`, close: () => held.close() };
}

async function enter(path: string, create: boolean): Promise<FileHandle | null> {
  if (create) await mkdir(path).catch(ignoring("EEXIST"));
  return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(ignoring("ENOENT", "ENOTDIR", "ELOOP"));
}

/** Elsewhere: checked by name, which a race could still fool; linked directories are trusted there (see the docs). */
async function walkByName(
  root: string,
  segments: readonly string[],
  create: boolean,
): Promise<HeldFolder | null> {
  const path = join(root, ...segments);
  if (create) await mkdir(path, { recursive: true });
  const real = await realpath(path).catch(ignoring("ENOENT", "ENOTDIR", "ELOOP"));
  return real === path ? { path, close: async () => {} } : null;
}

/** For `catch`: these codes mean "not there" and give null; anything else is thrown on. */
export function ignoring(...codes: readonly string[]): (error: unknown) => null {
  return (error) => {
    if (error instanceof Error && "code" in error && codes.includes(String(error.code))) return null;
    throw error;
  };
}
