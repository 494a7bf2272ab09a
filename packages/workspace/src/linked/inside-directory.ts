import { constants } from "node:fs";
import { type FileHandle, mkdir, open, realpath } from "node:fs/promises";
import { join } from "node:path";
import { isSafePath, VelocityError } from "@velocity/contract";

const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Calls `work` with the folder of `path` below `root`, opened one segment at a time and never through a symbolic link; null
 * where a folder is missing and `create` is off. What runs in a preview can write in the linked directory while we do, so
 * a check before use would be a race; on Linux every step therefore goes through the descriptor of the one before
 * (`/proc/self/fd/<n>/<name>`, the openat of those who have none), and so does what `work` does with the folder's path.
 *
 * @throws VelocityError `validation` for a path that is unsafe or leads through a link
 */
export async function inParent<T>(
  root: string,
  path: string,
  create: boolean,
  work: (folder: string | null) => Promise<T>,
): Promise<T> {
  if (!isSafePath(path)) throw unsafe(path);
  let handle = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    let folder = await pathOf(handle, root);
    for (const segment of path.split("/").slice(0, -1)) {
      const next = join(folder, segment);
      if (create) await mkdir(next).catch(ignoreExists);
      const opened = await openDirectory(next, path);
      if (opened === null) return await work(null);
      await handle.close();
      handle = opened;
      folder = await pathOf(handle, next);
    }
    return await work(folder);
  } finally {
    await handle.close();
  }
}

export function unsafe(path: string): VelocityError {
  return new VelocityError("validation", `${path} is not a path inside the project.`, {
    errors: [
      {
        path,
        code: "unsafe_path",
        message: "use a relative path inside the project that passes through no link",
      },
    ],
  });
}

async function openDirectory(path: string, asked: string): Promise<FileHandle | null> {
  try {
    return await open(path, OPEN_DIRECTORY);
  } catch (error) {
    const code = errorCode(error);
    if (code === "ENOENT") return null;
    if (code === "ELOOP" || code === "ENOTDIR") throw unsafe(asked);
    throw error;
  }
}

async function pathOf(handle: FileHandle, path: string): Promise<string> {
  return process.platform === "linux" ? `/proc/self/fd/${handle.fd}` : await realpath(path);
}

function ignoreExists(error: unknown): void {
  if (errorCode(error) !== "EEXIST") throw error;
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
