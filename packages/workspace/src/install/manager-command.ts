import type { PackageManagerName } from "../ports.ts";

export interface ManagerCommand {
  /** Before the program. */
  readonly wrapper: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Tried once, when the output of the first attempt says that lockfile and manifest disagree. */
  readonly fallback: readonly string[] | null;
}

/** `classic`: Yarn 1, pnpm up to 8. */
export type ManagerGeneration = "classic" | "modern";

export interface CommandPlaces {
  /** Folder that this manager keeps between installations, as the program sees it. */
  readonly cache: string;
  /** Import packages by copy: what runs afterwards must not share bytes with the store. */
  readonly isolated: boolean;
}

/**
 * How a manager installs without running anything of the project: no lifecycle scripts, no pnpmfile, no plugins, no
 * program named by the project's settings. A preview wants to work: where manifest and lockfile disagree, the manifest wins.
 */
export function managerCommand(
  manager: PackageManagerName,
  generation: ManagerGeneration,
  places: CommandPlaces,
): ManagerCommand {
  switch (manager) {
    case "pnpm":
      return {
        args: [
          "install",
          "--ignore-scripts",
          // `.pnpmfile.cjs` runs even with scripts off. (None is copied either.)
          "--ignore-pnpmfile",
          "--no-frozen-lockfile",
          "--prefer-frozen-lockfile",
          // Versions in a lockfile are the project's choice already made; checking their age asks the registry for each.
          ...(generation === "classic" ? [] : ["--trust-lockfile"]),
          "--store-dir",
          `${places.cache}/store`,
          "--reporter",
          "append-only",
          ...(places.isolated ? ["--package-import-method", "copy"] : []),
        ],
        wrapper: [],
        env: { XDG_CACHE_HOME: `${places.cache}/cache`, pnpm_config_update_notifier: "false" },
        fallback: null,
      };
    case "npm": {
      const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--no-progress"];
      // By default npm waits 10 and 60 seconds before it says that there is no network.
      flags.push("--fetch-retry-mintimeout", "500", "--fetch-retry-maxtimeout", "5000");
      const rest = [...flags, "--cache", `${places.cache}/cache`, "--no-engine-strict"];
      return { wrapper: [], args: ["ci", ...rest], env: {}, fallback: ["install", ...rest] };
    }
    case "yarn":
      return generation === "classic"
        ? {
            wrapper: [],
            args: [
              "install",
              "--ignore-scripts",
              "--ignore-engines",
              "--non-interactive",
              "--no-progress",
              "--no-default-rc",
              "--cache-folder",
              `${places.cache}/cache`,
            ],
            env: {},
            fallback: null,
          }
        : {
            // Yarn knows proxies only by names of its own.
            wrapper: [
              "/bin/sh",
              "-c",
              'YARN_HTTP_PROXY=$HTTP_PROXY YARN_HTTPS_PROXY=$HTTPS_PROXY; export YARN_HTTP_PROXY YARN_HTTPS_PROXY; exec "$@"',
              "yarn",
            ],
            args: ["install"],
            env: {
              YARN_ENABLE_SCRIPTS: "0",
              YARN_IGNORE_PATH: "1",
              YARN_NODE_LINKER: "node-modules",
              YARN_ENABLE_IMMUTABLE_INSTALLS: "0",
              YARN_ENABLE_HARDENED_MODE: "0",
              YARN_ENABLE_CONSTRAINTS_CHECKS: "0",
              YARN_ENABLE_TELEMETRY: "0",
              YARN_ENABLE_PROGRESS_BARS: "0",
              YARN_ENABLE_GLOBAL_CACHE: "1",
              YARN_GLOBAL_FOLDER: `${places.cache}/cache`,
            },
            fallback: null,
          };
    case "bun":
      return {
        wrapper: [],
        args: ["install", "--ignore-scripts", "--no-progress"],
        env: { BUN_INSTALL_CACHE_DIR: `${places.cache}/cache`, DO_NOT_TRACK: "1" },
        fallback: null,
      };
  }
}

/** Whether the manager's output says that manifest and lockfile disagree. */
export function lockfileDisagrees(lines: readonly string[]): boolean {
  return lines.some((line) => /code EUSAGE|are in sync|Missing: .+ from lock file/.test(line));
}
