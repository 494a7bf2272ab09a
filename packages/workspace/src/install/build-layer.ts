import { randomUUID } from "node:crypto";
import { access, chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VelocityError } from "@velocity/contract";
import { packagesInNeedOfBuild } from "./build-needs.ts";
import { installFailure } from "./install-failure.ts";
import type { InstallInputs } from "./install-inputs.ts";
import type { InstallRunner } from "./install-runner.ts";
import type { InstallerProgram } from "./installer-programs.ts";
import type { LayerManifest, LayerStore } from "./layer-store.ts";
import { lockfileDisagrees, managerCommand } from "./manager-command.ts";
import { runTool } from "./run-tool.ts";

export interface LayerBuild {
  readonly key: string;
  readonly inputs: InstallInputs;
  readonly program: InstallerProgram;
  readonly generation: "classic" | "berry";
  /** Install scripts run, in a second step that cannot reach the manager's cache. Such a layer belongs to one project. */
  readonly scripts: boolean;
}

export interface LayerBuilder {
  readonly cacheDir: string;
  readonly runner: InstallRunner;
  readonly store: LayerStore;
  /** The operator's registry, with a slash at the end; lockfiles that name the public one are pointed to it. */
  readonly registry: string | null;
}

export interface BuildCall {
  readonly signal: AbortSignal;
  readonly onLog: (line: string) => void;
}

const KEPT_LINES = 200;
const PUBLIC_REGISTRIES = /https:\/\/registry.public.test\//g;

/** Installs into a folder of its own and hands the result to the store. Nothing of a failed attempt stays. */
export async function buildLayer(
  build: LayerBuild,
  { cacheDir, runner, store, registry }: LayerBuilder,
  call: BuildCall,
): Promise<LayerManifest> {
  const { inputs, program } = build;
  const home = join(cacheDir, inputs.manager);
  // Beside the manager's store and below the same mount: hard links do not cross mounts.
  const folder = join(home, "work", randomUUID());
  const lines: string[] = [];
  const onLine = (line: string) => {
    const plain = line.replaceAll(`${runner.place(folder)}/`, "").replaceAll(runner.place(home), "<cache>");
    lines.push(plain);
    if (lines.length > KEPT_LINES) lines.shift();
    call.onLog(plain);
  };
  const run = (args: readonly string[], env: Readonly<Record<string, string>>, cache: boolean) =>
    runner.run({
      command: [...program.command.map((part) => runner.place(part)), ...args],
      cwd: runner.place(folder),
      env,
      mounts: [
        { source: program.folder, writable: false },
        { source: cache ? home : folder, writable: true },
      ],
      network: true,
      signal: call.signal,
      onLine,
    });
  try {
    await writeInputs(folder, inputs, registry);
    const command = managerCommand(inputs.manager, build.generation, {
      cache: runner.place(home),
      isolated: build.scripts,
    });
    let exitCode = await run(command.args, command.env, true);
    if (exitCode !== 0 && command.fallback !== null && lockfileDisagrees(lines)) {
      call.onLog("The lockfile does not fit package.json: installing what package.json says.");
      lines.length = 0;
      exitCode = await run(command.fallback, command.env, true);
    }
    if (exitCode !== 0) throw installFailure(lines, exitCode);
    await mkdir(join(folder, "node_modules"), { recursive: true });
    let needsBuild = await packagesInNeedOfBuild(folder, inputs.manager);
    if (build.scripts && needsBuild.length > 0) {
      call.onLog(`Building ${needsBuild.join(", ")}.`);
      const built = await run(rebuildArgs(inputs.manager, needsBuild), command.env, false);
      if (built === 0) needsBuild = [];
      else call.onLog(`Could not build ${needsBuild.join(", ")}: what uses them will not work.`);
    }
    const targets = await installedTargets(folder, inputs.folders);
    await openForCopyUp(folder, targets);
    const sizeBytes = await folderBytes(folder);
    call.signal.throwIfAborted();
    return await store.publish(build.key, folder, { targets, sizeBytes, needsBuild: [...needsBuild] });
  } catch (error) {
    if (isFullDisk(error))
      throw new VelocityError("disk_full", "The disk is full: dependencies could not be installed.", {
        context: { log: lines.slice(-50) },
        cause: error,
      });
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function writeInputs(folder: string, inputs: InstallInputs, registry: string | null): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const file of inputs.files) {
    const path = join(folder, file.path);
    await mkdir(dirname(path), { recursive: true });
    const content =
      registry !== null && file.path === inputs.lockfile
        ? file.content.replace(PUBLIC_REGISTRIES, registry)
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

async function installedTargets(folder: string, packageFolders: readonly string[]): Promise<string[]> {
  const targets: string[] = [];
  for (const each of packageFolders) {
    const target = each === "" ? "node_modules" : `${each}/node_modules`;
    const there = await access(join(folder, target)).then(
      () => true,
      () => false,
    );
    if (there) targets.push(target);
  }
  return targets;
}

/**
 * A container's user copies a file up from the read-only layer when it changes it, and may do so only where the file's own
 * mode lets it. Who may reach the layer at all is decided by the closed folder above.
 */
async function openForCopyUp(folder: string, targets: readonly string[]): Promise<void> {
  await runTool("chmod", ["-R", "a+rwX", ...targets.map((target) => join(folder, target))]);
  await chmod(folder, 0o755);
}

async function folderBytes(folder: string): Promise<number> {
  const kibibytes = Number.parseInt(await runTool("du", ["-sk", folder]), 10);
  return Number.isFinite(kibibytes) ? kibibytes * 1024 : 0;
}

function isFullDisk(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}
