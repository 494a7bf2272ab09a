import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type FileContent, type FileEntry, VelocityError } from "@velocity/contract";
import { errorCode, inParent, unsafe } from "./inside-directory.ts";

/** Not project files, and too many to list. */
const IGNORED = new Set(["node_modules", ".git"]);
const MAX_ENTRIES = 20_000;
const MAX_FILE_BYTES = 32 * 1024 * 1024;

interface Change {
  readonly files: readonly FileContent[];
  readonly deletes: readonly string[];
}

/**
 * Files of a linked directory, on the machine that the server runs on. No path leads out of the directory, not even
 * through a symbolic link. A file's version is its modification time in whole milliseconds.
 */
export function createLinkedFiles() {
  return { check, entries, read, apply };
}

/** The real path of a directory that can be previewed; throws `directory_not_found` or `directory_not_readable`. */
async function check(directory: string): Promise<string> {
  try {
    const real = await realpath(directory);
    if (!(await stat(real)).isDirectory()) {
      throw new VelocityError("directory_not_found", `${directory} is not a directory.`);
    }
    await access(real, constants.R_OK | constants.X_OK);
    return real;
  } catch (cause) {
    if (cause instanceof VelocityError) throw cause;
    switch (errorCode(cause)) {
      case "ENOENT":
      case "ENOTDIR":
        throw new VelocityError("directory_not_found", `${directory} does not exist.`, { cause });
      default:
        throw new VelocityError("directory_not_readable", `${directory} cannot be read.`, { cause });
    }
  }
}

async function entries(directory: string): Promise<readonly FileEntry[]> {
  const found: FileEntry[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const children = await readdir(join(directory, folder), { withFileTypes: true }).catch(() => []);
    for (const child of children) {
      if (IGNORED.has(child.name)) continue;
      const path = folder === "" ? child.name : `${folder}/${child.name}`;
      if (child.isDirectory()) folders.push(path);
      else if (child.isFile()) {
        const facts = await stat(join(directory, path)).catch(() => null);
        if (facts !== null)
          found.push({
            path,
            size: facts.size,
            version: versionOf(facts),
            updatedAt: facts.mtime.toISOString(),
          });
      }
      if (found.length >= MAX_ENTRIES) return sorted(found);
    }
  }
  return sorted(found);
}

type ReadFile = FileContent & { readonly version: number };

function read(directory: string, path: string): Promise<ReadFile | null> {
  return inParent(directory, path, false, async (folder) => (folder === null ? null : readIn(folder, path)));
}

async function readIn(folder: string, path: string): Promise<ReadFile | null> {
  // O_NONBLOCK: a pipe planted under that name must not hold us.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(join(folder, basename(path)), flags).catch((error: unknown) => {
    if (errorCode(error) === "ENOENT") return null;
    if (errorCode(error) === "ELOOP") throw unsafe(path);
    throw error;
  });
  if (file === null) return null;
  try {
    const facts = await file.stat();
    if (!facts.isFile()) return null;
    if (facts.size > MAX_FILE_BYTES)
      throw new VelocityError("payload_too_large", `${path} is larger than 32 MB.`);
    const bytes = await file.readFile();
    const text = bytes.toString("utf8");
    const isText = Buffer.from(text, "utf8").equals(bytes);
    return {
      path,
      content: isText ? text : bytes.toString("base64"),
      encoding: isText ? "utf8" : "base64",
      version: versionOf(facts),
    };
  } finally {
    await file.close();
  }
}

async function apply(directory: string, change: Change): Promise<{ readonly version: number }> {
  let version = 0;
  for (const file of change.files) version = Math.max(version, await write(directory, file));
  for (const path of change.deletes) {
    await inParent(directory, path, false, async (folder) => {
      if (folder !== null) await rm(join(folder, basename(path)), { force: true });
    });
    version = Math.max(version, Date.now());
  }
  return { version };
}

/** Beside, then renamed over: a reader sees the old file or the new one. Owner and permissions stay those of the file. */
function write(directory: string, file: FileContent): Promise<number> {
  return inParent(directory, file.path, true, async (folder) => {
    if (folder === null) throw unsafe(file.path);
    return writeIn(folder, file);
  });
}

async function writeIn(folder: string, file: FileContent): Promise<number> {
  const target = join(folder, basename(file.path));
  const beside = join(folder, `.${basename(file.path)}.${randomUUID().slice(0, 8)}~`);
  const owner = await stat(target).catch(() => stat(folder));
  const mode = owner.isFile() ? owner.mode & 0o777 : 0o644;
  const handle = await open(
    beside,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    mode,
  );
  try {
    await handle.writeFile(Buffer.from(file.content, file.encoding));
    if (process.getuid?.() === 0) await handle.chown(owner.uid, owner.gid);
    const facts = await handle.stat();
    await handle.close();
    await rename(beside, target);
    return versionOf(facts);
  } catch (cause) {
    await handle.close().catch(() => undefined);
    await rm(beside, { force: true });
    if (errorCode(cause) === "ENOSPC")
      throw new VelocityError("disk_full", "The disk is full; the file was not changed.", { cause });
    throw cause;
  }
}

function versionOf(facts: Stats): number {
  return Math.floor(facts.mtimeMs);
}

function sorted(found: FileEntry[]): readonly FileEntry[] {
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
