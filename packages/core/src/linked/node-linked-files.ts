import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import {
  access,
  type FileHandle,
  open,
  readdir,
  realpath,
  rename,
  rmdir,
  stat,
  unlink,
} from "node:fs/promises";
import { join } from "node:path";
import { type FileContent, type FileEntry, isSafePath, VelocityError } from "@velocity/contract";
import type { LinkedFiles } from "../ports/linked-files.ts";
import { ignoring, openBeneath } from "./open-beneath.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const MAX_ENTRIES = 20_000;
const MAX_FILE_BYTES = 20 * 1024 * 1024;
/** Never listed: dependencies and version control are not project files. */
const SKIPPED = new Set(["node_modules", ".git"]);

/** Linked directories on this machine's file system. */
export const nodeLinkedFiles: LinkedFiles = {
  async check(directory) {
    try {
      const real = await realpath(directory);
      if (!(await stat(real)).isDirectory()) throw notFound();
      await access(real, constants.R_OK | constants.X_OK);
      return real;
    } catch (error) {
      if (error instanceof VelocityError) throw error;
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code === "EACCES" || code === "EPERM") {
        throw new VelocityError("directory_not_readable", "The directory cannot be read.", { cause: error });
      }
      throw notFound(error);
    }
  },

  async entries(directory) {
    const found: FileEntry[] = [];
    await walk(directory, "", found);
    return found;
  },

  async read(directory, path) {
    const [folder, name] = split(path);
    const held = await openBeneath(directory, folder, false);
    if (held === null) return null;
    try {
      const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
      const file = await open(join(held.path, name), flags).catch(
        ignoring("ENOENT", "ELOOP", "ENOTDIR", "ENXIO"),
      );
      return file === null ? null : await content(file, path);
    } finally {
      await held.close();
    }
  },

  async apply(directory, change) {
    let version = 0;
    for (const file of change.files) version = Math.max(version, await write(directory, file));
    for (const path of change.deletes) await remove(directory, path);
    return { version: Math.max(version, Math.floor((await stat(directory)).mtimeMs)) };
  },
};

function notFound(cause?: unknown): VelocityError {
  return new VelocityError("directory_not_found", "The directory does not exist.", { cause });
}

function split(path: string): [folder: string[], name: string] {
  const segments = path.split("/");
  const name = segments.pop();
  if (name === undefined || !isSafePath(path)) throw unsafe(path);
  return [segments, name];
}

function unsafe(path: string): VelocityError {
  const message = "unsafe path: it leads out of the directory";
  return new VelocityError("validation", `The path ${path} leads out of the directory.`, {
    errors: [{ path: "files", code: "unsafe_path", message }],
  });
}

async function content(
  file: FileHandle,
  path: string,
): Promise<(FileContent & { readonly version: number }) | null> {
  try {
    const about = await file.stat();
    if (!about.isFile()) return null;
    if (about.size > MAX_FILE_BYTES) {
      throw new VelocityError("payload_too_large", `The file ${path} is too large to be read here.`);
    }
    const bytes = await file.readFile();
    const text = bytes.toString("utf8");
    const isText = Buffer.from(text, "utf8").equals(bytes);
    const version = Math.floor(about.mtimeMs);
    return isText
      ? { path, content: text, encoding: "utf8", version }
      : { path, content: bytes.toString("base64"), encoding: "base64", version };
  } finally {
    await file.close();
  }
}

/** Written beside, then renamed over: a reader sees the old file or the new one. Keeps the old one's mode. */
async function write(directory: string, file: FileContent): Promise<number> {
  const [folder, name] = split(file.path);
  const held = await openBeneath(directory, folder, true);
  if (held === null) throw unsafe(file.path);
  const target = join(held.path, name);
  const draft = join(held.path, `.velocity-${randomUUID()}`);
  try {
    const mode = await modeOf(target);
    const handle = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode ?? 0o644);
    try {
      await handle.writeFile(Buffer.from(file.content, file.encoding === "base64" ? "base64" : "utf8"));
      if (mode !== null) await handle.chmod(mode);
      const about = await handle.stat();
      await rename(draft, target);
      return Math.floor(about.mtimeMs);
    } finally {
      await handle.close();
    }
  } catch (error) {
    await unlink(draft).catch(() => {});
    throw diskTrouble(error, file.path);
  } finally {
    await held.close();
  }
}

async function modeOf(path: string): Promise<number | null> {
  const file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK).catch(() => null);
  if (file === null) return null;
  try {
    return (await file.stat()).mode & 0o777;
  } finally {
    await file.close();
  }
}

function diskTrouble(error: unknown, path: string): unknown {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new VelocityError("disk_full", "The disk is full; the file was not changed.", { cause: error });
  }
  if (code === "EISDIR" || code === "ENOTEMPTY") {
    return new VelocityError("validation", `${path} is a folder.`, { cause: error });
  }
  return error;
}

async function remove(directory: string, path: string): Promise<void> {
  const [folder, name] = split(path);
  const held = await openBeneath(directory, folder, false);
  if (held === null) return;
  try {
    await unlink(join(held.path, name)).catch(ignoring("ENOENT"));
    // An emptied folder goes with its last file; one that still has something in it says so and stays.
    if (folder.length > 0) await rmdir(join(directory, ...folder)).catch(() => {});
  } finally {
    await held.close();
  }
}

/** Follows no link, so that it can neither leave the directory nor go round in circles. */
async function walk(directory: string, below: string, found: FileEntry[]): Promise<void> {
  const held = await openBeneath(directory, below === "" ? [] : below.split("/"), false);
  if (held === null) return;
  const folders: string[] = [];
  try {
    for (const entry of await readdir(held.path, { withFileTypes: true })) {
      if (found.length >= MAX_ENTRIES) return;
      if (SKIPPED.has(entry.name)) continue;
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) folders.push(path);
      if (!entry.isFile()) continue;
      const about = await stat(join(held.path, entry.name)).catch(() => null);
      if (about === null) continue;
      found.push({
        path,
        size: about.size,
        version: Math.floor(about.mtimeMs),
        updatedAt: about.mtime.toISOString(),
      });
    }
  } finally {
    await held.close();
  }
  for (const folder of folders) await walk(directory, folder, found);
}
