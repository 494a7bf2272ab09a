import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { allDependencies } from "./detect/package-json.ts";
import { detectPackageManager } from "./detect/package-manager.ts";
import { toolOfDependencies } from "./detect/tools.ts";
import { DependencyCache } from "./install/dependency-cache.ts";
import { hostPlatform, type InstallPlatform } from "./install/dependency-key.ts";
import { collectInstallInputs } from "./install/install-inputs.ts";
import type { InstallRunner } from "./install/install-runner.ts";
import { locateNpm, locatePnpm } from "./install/installer-programs.ts";
import { LayerStore } from "./install/layer-store.ts";
import { inspectLinked } from "./linked/inspect-linked.ts";
import { findMountRoot } from "./linked/mount-root.ts";
import { MAX_PROJECT_FILES, planProject, readManifest } from "./plan-project.ts";
import type { Workspace } from "./ports.ts";

export interface WorkspaceOptions {
  /** Folder on this machine for layers and package stores; on the file system that containers mount from. */
  readonly cacheDir: string;
  /** The Node that installers run with. */
  readonly nodePath: string;
  /** Domain below which previews live, without port. */
  readonly previewDomain: string;
  /** Program that serves plain files, as seen in a container. */
  readonly staticServerEntry: string;
  /** Runs installers; sandboxed wherever the machine can. */
  readonly runner: InstallRunner;
  /** What previews run on. Default: this machine. */
  readonly platform?: InstallPlatform;
  /** Layers together stay below it. Default 20 GiB. */
  readonly maxCacheBytes?: number;
  /** Keys of layers that some container has mounted: those are never removed. */
  readonly inUse?: () => Promise<ReadonlySet<string>>;
}

export interface ClosableWorkspace extends Workspace {
  /** Removes what crashed installations left. */
  sweep(): Promise<void>;
  /** Waits for what goes on in the background, and ends the runner. */
  close(): Promise<void>;
}

const DEFAULT_CACHE_BYTES = 20 * 1024 ** 3;

/** Core's `WorkspacePort`: plans by looking at files, installs into a shared cache of dependency layers. */
export function createWorkspace(options: WorkspaceOptions): ClosableWorkspace {
  const { cacheDir, nodePath } = options;
  mkdirSync(cacheDir, { recursive: true, mode: 0o700 });
  const host = hostPlatform();
  const platform = options.platform ?? host;
  const store = new LayerStore({
    directory: join(cacheDir, "deps"),
    maxBytes: options.maxCacheBytes ?? DEFAULT_CACHE_BYTES,
    inUse: options.inUse ?? (async () => new Set()),
    now: () => new Date(),
  });
  const cache = new DependencyCache({
    cacheDir,
    store,
    platform,
    nodePath,
    runner: options.runner,
    programs: { pnpm: locatePnpm(host.libc), npm: locateNpm(nodePath) },
  });
  return {
    async plan(tree, { linkedDirectory }) {
      const linked = linkedDirectory === null ? null : await inspectLinked(linkedDirectory);
      const registry = linked?.needsInstall === true ? await options.runner.registry() : null;
      return planProject(tree, linked, { ...options, platform, registry });
    },
    async dependencies(plan, tree, call) {
      if (plan.dependencies === null) return { mounts: [], cached: true };
      const inputs = async () => {
        const manifest = (await readManifest(tree)) ?? {};
        const files = new Set(await tree.list(MAX_PROJECT_FILES));
        const tool = toolOfDependencies(new Set(Object.keys(allDependencies(manifest))));
        const manager = detectPackageManager(files, manifest.packageManager);
        return collectInstallInputs(tree, files, manifest, manager, tool?.flatDependencies === true);
      };
      return cache.dependencies(plan.dependencies.key, inputs, call);
    },
    mountRoot: findMountRoot,
    sweep: () => cache.sweep(),
    async close() {
      await store.close();
      await options.runner.close();
    },
  };
}
