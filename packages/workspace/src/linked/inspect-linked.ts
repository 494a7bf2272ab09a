import { access, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { allDependencies, packageJsonSchema } from "../detect/package-json.ts";
import type { LinkedState } from "../install/install-in-place.ts";
import { findMountRoot, realDirectory } from "./mount-root.ts";

const LOCKFILES = [
  "pnpm-lock.yaml",
  "package-lock.json",
  "npm-shrinkwrap.json",
  "yarn.lock",
  "bun.lock",
  "bun.lockb",
];
/** Written by each manager at the end of an installation. */
const MARKERS = [".package-lock.json", ".modules.yaml", ".yarn-integrity", ".yarn-state.yml"];
/** npm writes its lockfile after its marker, in the same run. */
const SAME_RUN_MS = 5000;

/** Looks at what lies on disk beside a linked project's files. Throws as `findMountRoot` does. */
export async function inspectLinked(directory: string): Promise<LinkedState> {
  const start = await realDirectory(directory);
  const root = await findMountRoot(start);
  const rootFiles = root === start ? [] : await readdir(root).catch(() => []);
  const folders = chain(start, root);
  return {
    needsInstall: (await lacksDependency(start, folders)) || (await isOutdated(folders)),
    rootLockfiles: LOCKFILES.filter((name) => rootFiles.includes(name)),
  };
}

/** The folder and those above it, up to the root. */
function chain(start: string, root: string): readonly string[] {
  const folders = [start];
  for (let folder = start; folder !== root && folder !== dirname(folder); ) {
    folder = dirname(folder);
    folders.push(folder);
  }
  return folders;
}

/** Direct dependencies only: a manager that got those has been through. */
async function lacksDependency(start: string, folders: readonly string[]): Promise<boolean> {
  const text = await readFile(join(start, "package.json"), "utf8").catch(() => null);
  if (text === null || (await exists(join(start, ".pnp.cjs")))) return false;
  let manifest: ReturnType<typeof packageJsonSchema.safeParse>;
  try {
    manifest = packageJsonSchema.safeParse(JSON.parse(text));
  } catch {
    return false;
  }
  // A bad manifest is reported by the plan itself.
  if (!manifest.success) return false;
  const optional = manifest.data.optionalDependencies ?? {};
  for (const name of Object.keys(allDependencies(manifest.data))) {
    if (name in optional) continue;
    const found = await Promise.all(folders.map((folder) => exists(join(folder, "node_modules", name))));
    if (!found.includes(true)) return true;
  }
  return false;
}

async function isOutdated(folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    const lockedAt = await newest(LOCKFILES.map((name) => join(folder, name)));
    if (lockedAt === null) continue;
    const installedAt = await newest(MARKERS.map((name) => join(folder, "node_modules", name)));
    return installedAt !== null && lockedAt > installedAt + SAME_RUN_MS;
  }
  return false;
}

async function newest(paths: readonly string[]): Promise<number | null> {
  const times = await Promise.all(
    paths.map((path) =>
      stat(path).then(
        (facts) => facts.mtimeMs,
        () => null,
      ),
    ),
  );
  return times.reduce(
    (latest, time) => (time !== null && (latest === null || time > latest) ? time : latest),
    null,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
