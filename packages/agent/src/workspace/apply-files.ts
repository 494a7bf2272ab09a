import { randomBytes } from "node:crypto";
import { lstat, open, readFile, rename, rm, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type ApplyFiles, VelocityError } from "@velocity/contract";
import { WorkspacePaths } from "./workspace-paths.ts";

export interface AppliedFiles {
  readonly changed: string[];
  readonly deleted: string[];
}

/** Files that are written at the same time. */
const AT_ONCE = 8;

/** Writes what differs and deletes what is there. Every path is checked before the first byte is written. */
export async function applyFiles(root: string, change: ApplyFiles): Promise<AppliedFiles> {
  const paths = await WorkspacePaths.of(root);
  // A path that is named twice has the content that was named last.
  const files = [...new Map(change.files.map((file) => [file.path, file])).values()];
  for (const { path } of files) await paths.place(path);
  for (const path of change.deletes) await paths.place(path);
  const changed = new Set<string>();
  const deleted: string[] = [];
  for (const path of change.deletes) if (await deleteFile(paths, path)) deleted.push(path);
  const queue = files.values();
  const work = async (): Promise<void> => {
    for (const file of queue) {
      if (await writeFile(paths, file.path, Buffer.from(file.content, file.encoding))) changed.add(file.path);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { changed: files.map(({ path }) => path).filter((path) => changed.has(path)), deleted };
}

/**
 * Puts a whole file in place in one step: written beside, then renamed, with the permissions of what it replaces. A link
 * is replaced, never written through. False: it already had this content. The name ends in `~`, which watchers ignore.
 */
export async function writeFile(paths: WorkspacePaths, path: string, content: Buffer): Promise<boolean> {
  const target = await paths.placeToWrite(path);
  const before = await lstat(target).catch(() => null);
  if (before?.isDirectory()) {
    throw new VelocityError("validation", `"${path}" is a folder.`, { context: { path } });
  }
  if (before?.isFile() && before.size === content.length && content.equals(await readFile(target)))
    return false;
  const beside = join(
    dirname(target),
    `.${basename(target).slice(0, 200)}.${randomBytes(4).toString("hex")}~`,
  );
  try {
    const handle = await open(beside, "wx", 0o644);
    try {
      await handle.writeFile(content);
      if (before?.isFile()) await handle.chmod(before.mode & 0o777);
    } finally {
      await handle.close();
    }
    await rename(beside, target);
  } catch (cause) {
    await rm(beside, { force: true });
    throw writeFailure(path, cause);
  }
  return true;
}

/** False: there was none. A link is removed, not what it points to; a folder is refused. */
export async function deleteFile(paths: WorkspacePaths, path: string): Promise<boolean> {
  const target = await paths.place(path);
  try {
    await unlink(target);
    return true;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : "";
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw code === "EISDIR" || code === "EPERM"
      ? new VelocityError("validation", `"${path}" is a folder.`, { cause })
      : writeFailure(path, cause);
  }
}

function writeFailure(path: string, cause: unknown): VelocityError {
  const code = cause instanceof Error && "code" in cause ? cause.code : "";
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VelocityError("disk_full", "The workspace's disk is full.", { context: { path }, cause });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new VelocityError("forbidden", `"${path}" may not be written.`, { context: { path }, cause });
  }
  return new VelocityError("internal", `"${path}" could not be written.`, { context: { path }, cause });
}
