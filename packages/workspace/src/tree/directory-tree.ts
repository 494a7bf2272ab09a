import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { isSafePath, VelocityError } from "@velocity/contract";
import type { FileTree } from "../ports.ts";

/** Folders without files of the project: dependencies, history, and what tools write. */
const IGNORED = new Set([
  "node_modules",
  ".git",
  ".hg",
  ".svn",
  ".next",
  ".nuxt",
  ".output",
  ".svelte-kit",
  ".astro",
  ".vite",
  ".expo",
  ".cache",
  ".turbo",
  ".parcel-cache",
  ".pnpm-store",
  "__pycache__",
]);
const MAX_DEPTH = 24;
/** What plans are made from is small; a larger file is data. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/**
 * A directory on this machine, read when asked. Links are not walked; a file behind a link counts only where it lies in the
 * directory itself. Folders are visited level by level, so that a bounded list holds what lies near the top.
 */
export function createDirectoryTree(directory: string): FileTree {
  return {
    list: (limit) => listFiles(directory, limit),
    read: (path) => readInside(directory, path),
  };
}

async function listFiles(directory: string, limit: number): Promise<readonly string[]> {
  const found: string[] = [];
  let level = [""];
  for (let depth = 0; level.length > 0 && depth < MAX_DEPTH; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      const entries = await readdir(join(directory, folder), { withFileTypes: true }).catch(
        (cause: unknown) => {
          if (folder === "") throw unreadable(directory, cause);
          return [];
        },
      );
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory() && !IGNORED.has(entry.name)) next.push(path);
        else if (entry.isFile()) found.push(path);
        else if (entry.isSymbolicLink() && (await isFileInside(directory, path))) found.push(path);
        if (found.length >= limit) return found;
      }
    }
    level = next;
  }
  return found;
}

async function readInside(directory: string, path: string): Promise<string | null> {
  if (!isSafePath(path) || !(await isFileInside(directory, path))) return null;
  try {
    return await readFile(join(directory, path), "utf8");
  } catch (cause) {
    if (isCode(cause, "ENOENT") || isCode(cause, "EISDIR")) return null;
    throw unreadable(directory, cause);
  }
}

async function isFileInside(directory: string, path: string): Promise<boolean> {
  try {
    const root = await realpath(directory);
    const real = await realpath(join(directory, path));
    const facts = await stat(real);
    return real.startsWith(`${root}${sep}`) && facts.isFile() && facts.size <= MAX_FILE_BYTES;
  } catch {
    return false;
  }
}

function unreadable(directory: string, cause: unknown): VelocityError {
  return isCode(cause, "ENOENT") || isCode(cause, "ENOTDIR")
    ? new VelocityError("directory_not_found", "The directory does not exist.", {
        context: { directory },
        cause,
      })
    : new VelocityError("directory_not_readable", "The directory cannot be read.", {
        context: { directory },
        cause,
      });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
