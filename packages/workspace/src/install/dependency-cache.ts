import { createHash } from "node:crypto";
import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { VelocityError } from "@velocity/contract";
import type { DependencyOptions, DependencyResult, PackageManagerName } from "../ports.ts";
import { type BuildCall, buildLayer, type LayerBuilder } from "./build-layer.ts";
import { dependencyKey, type InstallPlatform } from "./dependency-key.ts";
import { type InstallInputs, oldPnpmLockfile } from "./install-inputs.ts";
import type { InstallerProgram } from "./installer-programs.ts";
import type { LayerManifest } from "./layer-store.ts";
import type { ManagerGeneration } from "./manager-command.ts";
import { takeProcessLock } from "./process-lock.ts";
import { SharedFlights } from "./shared-flights.ts";

export interface DependencyCacheOptions extends LayerBuilder {
  readonly platform: InstallPlatform;
  /** Programs that are there from the start; others are installed when a project first asks for them. */
  readonly programs: { readonly pnpm: InstallerProgram | null; readonly npm: InstallerProgram | null };
  readonly nodePath: string;
}

interface ChosenProgram {
  readonly program: InstallerProgram;
  readonly generation: ManagerGeneration;
}

/** Versions for projects that do not name one. */
const TOOL_VERSIONS = {
  classic: "1.22.22",
  modern: "4.18.1",
  bun: "1.4.5",
  pnpmOfLockfile: { "5": "7.33.7", "6": "8.15.9" },
};

/** Finds dependency layers, or has them built: once per key, whoever asks, in whatever process of this machine. */
export class DependencyCache {
  readonly #options: DependencyCacheOptions;
  readonly #flights = new SharedFlights<LayerManifest>();

  constructor(options: DependencyCacheOptions) {
    this.#options = options;
  }

  /** Throws `install_failed` or `disk_full`, with the last lines in `context.log`. */
  async dependencies(
    key: string,
    inputs: () => Promise<InstallInputs>,
    options: DependencyOptions,
  ): Promise<DependencyResult> {
    options.signal.throwIfAborted();
    const { store } = this.#options;
    const shared = await store.lookup(key);
    const privateKey = createHash("sha256").update(`${key}:${options.projectId}`).digest("hex").slice(0, 40);
    if (shared !== null && shared.needsBuild.length === 0) return this.#result(shared, true);
    if (shared !== null) {
      const own = await store.lookup(privateKey);
      if (own !== null) return this.#result(own, true);
    }
    const known = await inputs();
    if (known.ignored.length > 0)
      options.onLog(`Not used for the installation: ${known.ignored.join(", ")} of the project's settings.`);
    const layer = shared ?? (await this.#layer(key, known, false, options));
    if (layer.needsBuild.length === 0) return this.#result(layer, false);
    options.onLog(
      `${layer.needsBuild.join(", ")} has to be built: the result is kept for this project alone.`,
    );
    return this.#result(await this.#layer(privateKey, known, true, options), false);
  }

  /** Removes what crashed installations left behind. For the start of the server. */
  async sweep(): Promise<void> {
    // Attempts of other living processes are theirs: only as old ones as no installation gets are removed.
    const { cacheDir } = this.#options;
    for (const home of ["pnpm", "npm", "yarn", "bun", "."]) {
      const work = join(cacheDir, home, "work");
      for (const name of await readdir(work).catch(() => [])) await removeIfOld(join(work, name));
    }
    const deps = join(cacheDir, "deps");
    for (const name of await readdir(deps).catch(() => []))
      if (name.startsWith(".trash-")) await rm(join(deps, name), { recursive: true, force: true });
  }

  #result(layer: LayerManifest, cached: boolean): DependencyResult {
    const path = this.#options.store.path(layer.key);
    const mounts = layer.targets.map((target) => ({ key: layer.key, path: join(path, target), target }));
    return { mounts, cached };
  }

  #layer(key: string, inputs: InstallInputs, scripts: boolean, call: BuildCall): Promise<LayerManifest> {
    return this.#flights.run(key, call, async (run) => {
      const { cacheDir, store } = this.#options;
      const lock = await takeProcessLock(join(cacheDir, "locks", key), run.signal);
      try {
        // Another process may have been faster.
        const present = await store.lookup(key);
        if (present !== null) return present;
        const chosen = await this.#program(inputs, run);
        const layer = await buildLayer({ key, inputs, ...chosen, scripts }, this.#options, run);
        await store.evict().catch(() => []);
        return layer;
      } finally {
        lock.release();
      }
    });
  }

  async #program(inputs: InstallInputs, call: BuildCall): Promise<ChosenProgram> {
    const { programs, nodePath } = this.#options;
    const lockfile = inputs.files.find((file) => file.path === inputs.lockfile)?.content ?? "";
    switch (inputs.manager) {
      case "npm":
        return { program: programs.npm ?? missing("npm"), generation: "modern" };
      case "pnpm": {
        // pnpm 12 reads lockfiles of version 9; older ones need the pnpm of their time.
        const major = oldPnpmLockfile(lockfile);
        const version = major === null ? null : TOOL_VERSIONS.pnpmOfLockfile[major];
        if (version === null) return { program: programs.pnpm ?? missing("pnpm"), generation: "modern" };
        const folder = await this.#tool("pnpm", version, call);
        return { program: nodeProgram(nodePath, folder, "pnpm", "bin/pnpm.cjs"), generation: "classic" };
      }
      case "yarn": {
        const generation = lockfile.includes("__metadata:") ? "modern" : "classic";
        const wanted = inputs.managerVersion;
        const fits = wanted !== null && wanted.startsWith("1.") === (generation === "classic");
        const version = fits && /^\d+\.\d+\.\d+$/.test(wanted) ? wanted : TOOL_VERSIONS[generation];
        const name = generation === "classic" || version.startsWith("2.") ? "yarn" : "@yarnpkg/cli-dist";
        const folder = await this.#tool(name, version, call);
        return { program: nodeProgram(nodePath, folder, name, "bin/yarn.js"), generation };
      }
      case "bun": {
        const { platform } = this.#options;
        const libc = platform.libc === "musl" ? "-musl" : "";
        const arch = platform.arch === "arm64" ? "aarch64" : platform.arch;
        const name = `@oven/bun-${platform.os}-${arch}${libc}`;
        const folder = await this.#tool(name, TOOL_VERSIONS.bun, call).catch((cause: unknown) => {
          throw new VelocityError(
            "install_failed",
            "bun is not available for this machine. Add a package-lock.json or pnpm-lock.yaml instead of bun's lockfile.",
            { cause },
          );
        });
        const home = join(folder, "node_modules", name);
        return { program: { command: [join(home, "bin/bun")], folder: home }, generation: "modern" };
      }
    }
  }

  /** A package manager, installed as a layer of its own by pnpm. */
  async #tool(name: string, version: string, call: BuildCall): Promise<string> {
    const manifest = JSON.stringify({ private: true, dependencies: { [name]: version } });
    const inputs: InstallInputs = {
      manager: "pnpm",
      managerVersion: null,
      lockfile: null,
      files: [
        { path: "package.json", content: manifest },
        { path: "pnpm-workspace.yaml", content: "nodeLinker: hoisted\n" },
      ],
      folders: [""],
      ignored: [],
    };
    const key = dependencyKey(inputs, this.#options.platform);
    const { store } = this.#options;
    if ((await store.lookup(key)) === null) {
      call.onLog(`Getting ${name} ${version}, which the project's lockfile asks for.`);
      await this.#layer(key, inputs, false, call);
    }
    return store.path(key);
  }
}

function nodeProgram(nodePath: string, layer: string, name: string, file: string): InstallerProgram {
  const folder = join(layer, "node_modules", name);
  return { command: [nodePath, join(folder, file)], folder };
}

function missing(manager: PackageManagerName): never {
  throw new VelocityError(
    "install_failed",
    `${manager} is not part of this installation of Velocity. Run npm install in its folder.`,
  );
}

const OLD_MS = 6 * 3_600_000;

async function removeIfOld(path: string): Promise<void> {
  const facts = await stat(path).catch(() => null);
  if (facts !== null && Date.now() - facts.mtimeMs > OLD_MS) await rm(path, { recursive: true, force: true });
}
