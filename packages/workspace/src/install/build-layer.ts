import { randomUUID } from "node:crypto";
import { lstat, mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VelocityError } from "@velocity/contract";
import { removeTree } from "@velocity/sandbox";
import { packagesInNeedOfBuild } from "./build-needs.ts";
import { installFailure } from "./install-failure.ts";
import type { InstallInputs } from "./install-inputs.ts";
import type { InstallJob, InstallRunner } from "./install-runner.ts";
import type { InstallerProgram } from "./installer-programs.ts";
import type { LayerManifest, LayerStore } from "./layer-store.ts";
import {
  lockfileDisagrees,
  type ManagerCommand,
  type ManagerGeneration,
  managerCommand,
} from "./manager-command.ts";
import { runTool } from "./run-tool.ts";

export interface LayerBuild {
  readonly key: string;
  readonly inputs: InstallInputs;
  readonly program: InstallerProgram;
  readonly generation: ManagerGeneration;
  /** Install scripts run, in a second step that cannot reach the manager's cache. Such a layer belongs to one project. */
  readonly scripts: boolean;
}

export interface LayerBuilder {
  readonly cacheDir: string;
  readonly runner: InstallRunner;
  readonly store: LayerStore;
}

export interface BuildCall {
  readonly signal: AbortSignal;
  readonly onLog: (line: string) => void;
}

const KEPT_LINES = 200;
const LINKS_FROM_STORE: ReadonlySet<string> = new Set(["pnpm", "bun"]);
const LONGEST_INSTALL_MS = 15 * 60_000;
/** Where a lockfile fetches `<name>/-/<file>.tgz` from: whatever registry its author used, the operator's serves the same. */
const TARBALL_ORIGINS = /https?:\/\/[^/\s"]+\/(?=(?:@[^/\s"]+\/)?[^/\s"@]+\/-\/[^/\s"]+\.tgz)/g;

/** Installs into a folder of its own and hands the result to the store. Nothing of a failed attempt stays. */
export async function buildLayer(
  build: LayerBuild,
  { cacheDir, runner, store }: LayerBuilder,
  call: BuildCall,
): Promise<LayerManifest> {
  const { inputs, program } = build;
  const home = join(cacheDir, inputs.manager);
  // Beside the manager's store and below the same mount: hard links do not cross mounts.
  const folder = join(home, "work", randomUUID());
  // What is published: only the installed folders, moved out of reach of whatever else was left behind.
  const layer = join(cacheDir, "work", randomUUID());
  const lines: string[] = [];
  const onLine = (line: string) => {
    const plain = line
      .replaceAll(`${runner.place(folder)}/`, "")
      .replaceAll(runner.place(cacheDir), "<cache>");
    lines.push(plain);
    if (lines.length > KEPT_LINES) lines.shift();
    call.onLog(plain);
  };
  const signal = AbortSignal.any([call.signal, AbortSignal.timeout(LONGEST_INSTALL_MS)]);
  const run = (trust: InstallJob["trust"], command: Pick<ManagerCommand, "wrapper" | "args" | "env">) =>
    runner.run({
      command: [...command.wrapper, ...program.command.map((part) => runner.place(part)), ...command.args],
      cwd: runner.place(folder),
      env: command.env,
      mounts: [
        { source: program.folder, writable: false },
        // The manager's store and cache are out of reach for scripts.
        { source: trust === "installer" ? home : folder, writable: true },
      ],
      trust,
      signal,
      onLine,
    });
  try {
    await prepareHome(home, runner);
    await writeInputs(folder, inputs, await runner.registry());
    await runner.hand(folder, "installer");
    const command = managerCommand(inputs.manager, build.generation, {
      cache: runner.place(home),
      isolated: build.scripts,
    });
    let exitCode = await run("installer", command);
    if (exitCode !== 0 && command.fallback !== null && lockfileDisagrees(lines)) {
      call.onLog("The lockfile does not fit package.json: installing what package.json says.");
      lines.length = 0;
      exitCode = await run("installer", { ...command, args: command.fallback });
    }
    if (exitCode !== 0) throw installFailure(lines, exitCode);
    let needsBuild = await packagesInNeedOfBuild(folder);
    if (build.scripts && needsBuild.length > 0) {
      call.onLog(`Building ${needsBuild.join(", ")}.`);
      await runner.hand(folder, "scripts");
      const built = await run("scripts", { ...command, args: rebuildArgs(inputs.manager, needsBuild) });
      if (built === 0) needsBuild = [];
      else call.onLog(`Could not build ${needsBuild.join(", ")}: what uses them will not work.`);
    }
    const targets = await takeTargets(folder, layer, inputs.folders);
    const paths = targets.map((target) => join(layer, target));
    await openForCopyUp(paths, build.scripts || !LINKS_FROM_STORE.has(inputs.manager));
    const sizeBytes = await folderBytes(layer);
    signal.throwIfAborted();
    return await store.publish(build.key, layer, { targets, sizeBytes, needsBuild: [...needsBuild] });
  } catch (error) {
    if (signal.aborted && !call.signal.aborted)
      throw new VelocityError("install_failed", "Installing the dependencies took too long.", {
        context: { log: lines.slice(-50) },
        cause: error,
      });
    if (isFullDisk(error))
      throw new VelocityError("disk_full", "The disk is full: dependencies could not be installed.", {
        context: { log: lines.slice(-50) },
        cause: error,
      });
    throw error;
  } finally {
    await Promise.all([removeTree(folder), removeTree(layer)]);
  }
}

/** The manager's own folders; its user may write them, and only them. */
async function prepareHome(home: string, runner: InstallRunner): Promise<void> {
  const fresh = await mkdir(home, { recursive: true, mode: 0o755 });
  for (const name of ["work", "store", "cache"]) await mkdir(join(home, name), { recursive: true });
  if (fresh !== undefined) await runner.hand(home, "installer");
}

async function writeInputs(folder: string, inputs: InstallInputs, registry: string | null): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const file of inputs.files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    const content =
      registry !== null && file.path === inputs.lockfile
        ? file.content.replace(TARBALL_ORIGINS, registry)
        : file.content;
    await writeFile(path, content);
  }
}

function rebuildArgs(manager: InstallInputs["manager"], names: readonly string[]): readonly string[] {
  if (manager === "pnpm") return ["rebuild", "--config.dangerouslyAllowAllBuilds=true", ...names];
  if (manager === "npm")
    return ["rebuild", "--no-ignore-scripts", "--foreground-scripts", "--no-audit", ...names];
  return manager === "yarn" ? ["rebuild", ...names] : ["install"];
}

/**
 * Moves every installed `node_modules` into a folder that only we can write. Real folders only: a link in its place would
 * lead whoever works on it, or mounts it, to somewhere else on this machine.
 */
async function takeTargets(
  folder: string,
  layer: string,
  packageFolders: readonly string[],
): Promise<string[]> {
  const targets: string[] = [];
  await mkdir(layer, { recursive: true, mode: 0o755 });
  for (const each of packageFolders) {
    const target = each === "" ? "node_modules" : `${each}/node_modules`;
    if (!(await isRealFolder(folder, target))) continue;
    await mkdir(dirname(join(layer, target)), { recursive: true, mode: 0o755 });
    await rename(join(folder, target), join(layer, target));
    targets.push(target);
  }
  if (targets.length > 0) return targets;
  await mkdir(join(layer, "node_modules"));
  return ["node_modules"];
}

/** Every step from the base on is a folder itself, not a link to one. */
async function isRealFolder(base: string, relative: string): Promise<boolean> {
  let path = base;
  for (const segment of relative.split("/")) {
    path = join(path, segment);
    const facts = await lstat(path).catch(() => null);
    if (facts?.isDirectory() !== true) return false;
  }
  return true;
}

/**
 * A container's user copies a file up from the read-only layer when it changes it, and may do so only where the file's own
 * mode lets it. Files that are hard links into a store keep theirs: the store would take a changed one for damaged, and copy
 * from then on. They can still be replaced or removed, which is how tools and the agent write. Who may reach the layer at
 * all is decided by the closed folder above it.
 */
async function openForCopyUp(paths: readonly string[], files: boolean): Promise<void> {
  if (files) await runTool("chmod", ["-R", "a+rwX", "--", ...paths]);
  else await runTool("find", [...paths, "-type", "d", "-exec", "chmod", "a+rwx", "{}", "+"]);
}

async function folderBytes(folder: string): Promise<number> {
  const kibibytes = Number.parseInt(await runTool("du", ["-sk", folder]), 10);
  return Number.isFinite(kibibytes) ? kibibytes * 1024 : 0;
}

function isFullDisk(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
