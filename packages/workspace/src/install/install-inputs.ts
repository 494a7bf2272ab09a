import { posix } from "node:path";
import { isSafePath } from "@velocity/contract";
import {
  allDependencies,
  type PackageJson,
  parsePackageJson,
  workspacePatterns,
} from "../detect/package-json.ts";
import type { PackageManager } from "../detect/package-manager.ts";
import type { FileTree, PackageManagerName } from "../ports.ts";
import {
  type InstallSettings,
  oldPnpmFiles,
  readInstallSettings,
  renderNpmrc,
  renderPnpmWorkspace,
} from "./install-settings.ts";

/** All that an installer gets to see of a project, made harmless. The same inputs give the same dependencies. */
export interface InstallInputs {
  readonly manager: PackageManagerName;
  readonly managerVersion: string | null;
  readonly lockfile: string | null;
  /** Written into the install folder, sorted by path. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** Package folders that may get a `node_modules`; "" is the root. */
  readonly folders: readonly string[];
  /** Settings of the project that were left out, to be told to its owner. */
  readonly ignored: readonly string[];
}

/** What decides about an installation. A changed script must not reinstall anything. */
const MANIFEST_FIELDS = [
  "name",
  "version",
  "bin",
  "dependencies",
  "devDependencies",
  "optionalDependencies",
  "peerDependencies",
  "peerDependenciesMeta",
  "dependenciesMeta",
  "bundledDependencies",
  "bundleDependencies",
  "overrides",
  "resolutions",
  "workspaces",
] as const;

const MAX_LOCAL_FILES = 2000;

/**
 * Reads what decides about an installation: manifests without scripts, the lockfile, allowed settings, patches, and the
 * files of local packages. No pnpmfile and no plugin is among them: those are programs.
 */
export async function collectInstallInputs(
  tree: FileTree,
  files: ReadonlySet<string>,
  manifest: PackageJson,
  detected: PackageManager,
  flatDependencies: boolean,
): Promise<InstallInputs> {
  // bun.lockb is binary: nobody but an old bun reads it. Without a lockfile pnpm resolves.
  const lockfile = detected.lockfile === "bun.lockb" ? null : detected.lockfile;
  const manager = lockfile === null ? "pnpm" : (detected.name ?? "pnpm");
  const npmrc = await tree.read(".npmrc");
  const workspaceYaml = await tree.read("pnpm-workspace.yaml");
  const settings = readInstallSettings({
    npmrc,
    workspaceYaml,
    pnpmField: manifest.pnpm,
    manifest,
    pnpmLockfile: lockfile === "pnpm-lock.yaml",
  });
  const collected = new Map<string, string>();
  const add = async (path: string) => {
    const content = isSafePath(path) ? await tree.read(path) : null;
    if (content !== null) collected.set(path, content);
  };

  collected.set("package.json", installManifest(manifest));
  const folders = [""];
  if (workspacePatterns(manifest).length > 0 || settings.pnpm.packages !== undefined) {
    for (const path of files) {
      if (!path.endsWith("/package.json") || !isSafePath(path)) continue;
      const text = await tree.read(path);
      if (text === null) continue;
      collected.set(path, installManifest(parsePackageJson(path, text)));
      folders.push(path.slice(0, -"/package.json".length));
    }
  }
  if (lockfile !== null) await add(lockfile);
  for (const path of files)
    if (path.startsWith("patches/") || path.startsWith(".yarn/patches/")) await add(path);
  for (const folder of localPackages(manifest)) {
    const inside = [...files].filter((path) => path === folder || path.startsWith(`${folder}/`));
    for (const path of inside.slice(0, MAX_LOCAL_FILES)) if (!collected.has(path)) await add(path);
  }
  const old = oldPnpmLockfile(collected.get("pnpm-lock.yaml") ?? "") !== null;
  for (const [path, content] of settingFiles(manager, settings, { flat: flatDependencies, old }))
    collected.set(path, content);
  if (old) collected.set("package.json", installManifest({ ...manifest, pnpm: settings.pnpm }, ["pnpm"]));

  return {
    manager,
    managerVersion: manager === detected.name ? detected.version : null,
    lockfile,
    files: [...collected]
      .map(([path, content]) => ({ path, content }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
    folders: folders.sort(),
    ignored: [
      ...settings.ignored,
      ...(files.has(".pnpmfile.cjs") || files.has(".pnpmfile.mjs") ? ["pnpmfile"] : []),
    ],
  };
}

/** Major version of a lockfile that pnpm 12 cannot read; null: a current one, or none. */
export function oldPnpmLockfile(lockfile: string): "5" | "6" | null {
  const major = /^lockfileVersion: '?([56])\./m.exec(lockfile)?.[1];
  return major === "5" || major === "6" ? major : null;
}

function settingFiles(
  manager: PackageManagerName,
  settings: InstallSettings,
  layout: { readonly flat: boolean; readonly old: boolean },
): readonly (readonly [string, string])[] {
  if (manager === "pnpm" && layout.old) return oldPnpmFiles(settings, layout);
  if (manager === "pnpm") return [["pnpm-workspace.yaml", renderPnpmWorkspace(settings, layout)]];
  const npmrc = renderNpmrc(settings);
  return npmrc === "" ? [] : [[".npmrc", npmrc]];
}

function installManifest(manifest: PackageJson, further: readonly string[] = []): string {
  const kept: Record<string, unknown> = { private: true };
  for (const field of [...MANIFEST_FIELDS, ...further])
    if (manifest[field] !== undefined) kept[field] = manifest[field];
  return `${JSON.stringify(kept, null, 2)}\n`;
}

/** Folders inside the project that its manifest installs from. */
function localPackages(manifest: PackageJson): readonly string[] {
  return Object.values(allDependencies(manifest)).flatMap((spec) => {
    const relative = /^(?:file|link|portal):(.+)$/.exec(spec)?.[1];
    if (relative === undefined) return [];
    const path = posix.normalize(relative).replace(/\/$/, "");
    return isSafePath(path) ? [path] : [];
  });
}
