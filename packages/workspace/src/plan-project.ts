import { createHash } from "node:crypto";
import type { RunSpec, VelocityJson } from "@velocity/contract";
import { chooseRun, type RunSettings } from "./detect/choose-run.ts";
import { allDependencies, type PackageJson, parsePackageJson } from "./detect/package-json.ts";
import { detectPackageManager, type PackageManager } from "./detect/package-manager.ts";
import { parseVelocityJson, VELOCITY_JSON } from "./detect/velocity-json.ts";
import { dependencyKey, type InstallPlatform } from "./install/dependency-key.ts";
import { installInPlace, type LinkedState } from "./install/install-in-place.ts";
import { collectInstallInputs } from "./install/install-inputs.ts";
import type { FileTree, ProjectPlan } from "./ports.ts";

export interface PlanSettings extends RunSettings {
  readonly platform: InstallPlatform;
  /** The registry that the operator's npm is configured to; null: the public one, or nothing is installed in place. */
  readonly registry?: string | null;
}

/** More files than any project that is previewed; a bound, not a limit anyone should meet. */
export const MAX_PROJECT_FILES = 20_000;

/**
 * Looks at a project's files and decides how it is installed and run. Executes nothing.
 * `linked` tells what is on disk beside the files of a linked directory; null for a stored project.
 * Throws `validation` for a bad velocity.json or package.json.
 */
export async function planProject(
  tree: FileTree,
  linked: LinkedState | null,
  settings: PlanSettings,
): Promise<ProjectPlan> {
  const files = new Set(await tree.list(MAX_PROJECT_FILES));
  const overrides = await readOverrides(tree);
  const manifest = await readManifest(tree);
  const lockfiles = new Set([...files, ...(linked?.rootLockfiles ?? [])]);
  const manager = detectPackageManager(lockfiles, manifest?.packageManager);
  const { framework, run, flatDependencies } = chooseRun(
    { manifest, files, overrides, linked: linked !== null },
    settings,
  );
  const installable = manifest !== null && needsInstall(manifest);
  const cacheable = installable && linked === null && overrides.install === undefined;
  const inputs = cacheable
    ? await collectInstallInputs(tree, files, manifest, manager, flatDependencies)
    : null;
  const plan = {
    framework,
    packageManager: inputs?.manager ?? (installable ? (manager.name ?? "npm") : null),
    run: {
      ...run,
      install: inPlace(overrides, linked, installable ? manager : null, settings.registry ?? null),
    },
    network: overrides.network ?? (linked === null ? "registry" : "full"),
    dependencies: inputs === null ? null : { key: dependencyKey(inputs, settings.platform) },
  } as const;
  return { ...plan, hash: hashOf(plan) };
}

/** What the agent installs in the workspace itself, before the dev server starts. */
function inPlace(
  overrides: VelocityJson,
  linked: LinkedState | null,
  manager: PackageManager | null,
  registry: string | null,
): RunSpec["install"] {
  if (linked !== null && !linked.needsInstall) return null;
  if (overrides.install !== undefined) return { command: ["/bin/sh", "-c", overrides.install], env: {} };
  return linked === null || manager === null ? null : installInPlace(manager, registry);
}

export async function readManifest(tree: FileTree): Promise<PackageJson | null> {
  const text = await tree.read("package.json");
  return text === null ? null : parsePackageJson("package.json", text);
}

async function readOverrides(tree: FileTree): Promise<VelocityJson> {
  const text = await tree.read(VELOCITY_JSON);
  return text === null ? {} : parseVelocityJson(text);
}

function needsInstall(manifest: PackageJson): boolean {
  return Object.keys(allDependencies(manifest)).length > 0 || manifest.workspaces !== undefined;
}

/** Keys in order, so that the same plan always reads the same. */
function hashOf(value: unknown): string {
  const ordered = JSON.stringify(value, (_key, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
  return createHash("sha256").update(ordered).digest("hex");
}
