import { access, readFile, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, matchesGlob, relative, sep } from "node:path";
import { VelocityError } from "@velocity/contract";
import { parse } from "yaml";
import { z } from "zod";
import { packageJsonSchema, workspacePatterns } from "../detect/package-json.ts";

const workspaceFileSchema = z.looseObject({ packages: z.array(z.string()).optional() });
const MAX_LEVELS = 12;

/**
 * The folder to mount so that a linked directory finds what its monorepo keeps above it: the nearest pnpm, npm, yarn or bun
 * workspace that includes it, else a Git root whose `node_modules` it uses; else itself. Never `/` and never anybody's home
 * folder: everything in it would become readable to the previewed code.
 * Throws `directory_not_found` or `directory_not_readable`.
 */
export async function findMountRoot(directory: string): Promise<string> {
  const start = await realDirectory(directory);
  const home = await realpath(homedir()).catch(() => homedir());
  const ownModules = await exists(join(start, "node_modules"));
  let folder = dirname(start);
  for (let level = 0; level < MAX_LEVELS && isSensible(folder, home); level++, folder = dirname(folder)) {
    const inside = relative(folder, start).split(sep).join("/");
    if (await isWorkspaceWith(folder, inside)) return folder;
    if (await exists(join(folder, ".git"))) {
      const hoisted = !ownModules && (await exists(join(folder, "node_modules")));
      return hoisted ? folder : start;
    }
  }
  return start;
}

export async function realDirectory(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (cause) {
    const denied = cause instanceof Error && "code" in cause && cause.code === "EACCES";
    throw denied
      ? new VelocityError("directory_not_readable", "The directory cannot be read.", {
          context: { directory },
          cause,
        })
      : new VelocityError("directory_not_found", "The directory does not exist.", {
          context: { directory },
          cause,
        });
  }
}

function isSensible(folder: string, home: string): boolean {
  if (folder === dirname(folder) || folder === home) return false;
  // A folder that holds homes (`/home`, `/Users`) or holds this one.
  if (home.startsWith(`${folder}${sep}`)) return false;
  return dirname(folder) !== dirname(dirname(folder)) || !SYSTEM_FOLDERS.has(folder);
}
const SYSTEM_FOLDERS = new Set([
  "/etc",
  "/usr",
  "/var",
  "/opt",
  "/srv",
  "/mnt",
  "/media",
  "/tmp",
  "/home",
  "/Users",
  "/root",
]);

async function isWorkspaceWith(folder: string, inside: string): Promise<boolean> {
  const yaml = await readFile(join(folder, "pnpm-workspace.yaml"), "utf8").catch(() => null);
  if (yaml !== null) {
    const packages = workspaceFileSchema.safeParse(safely(() => parse(yaml))).data?.packages;
    if (packages !== undefined && includes(packages, inside)) return true;
  }
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => null);
  if (text === null) return false;
  const manifest = packageJsonSchema.safeParse(safely(() => JSON.parse(text))).data;
  return manifest !== undefined && includes(workspacePatterns(manifest), inside);
}

function includes(patterns: readonly string[], inside: string): boolean {
  const clean = (pattern: string) => pattern.replace(/^\.\//, "").replace(/\/$/, "");
  const matches = (pattern: string) => matchesGlob(inside, clean(pattern));
  const excluded = patterns.filter((each) => each.startsWith("!")).map((each) => each.slice(1));
  return patterns.some((each) => !each.startsWith("!") && matches(each)) && !excluded.some(matches);
}

function safely(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return null;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
