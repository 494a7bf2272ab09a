import type { RunSpec } from "@velocity/contract";
import type { PackageManager } from "../detect/package-manager.ts";
import type { PackageManagerName } from "../ports.ts";

/** What lies beside the files of a linked directory. */
export interface LinkedState {
  /** `node_modules` is missing, lacks a dependency, or is older than the lockfile. */
  readonly needsInstall: boolean;
  /** Lockfiles of the monorepo that the directory is part of, where that is another folder. */
  readonly rootLockfiles: readonly string[];
}

/** Runs a manager that the machine does not have, as npm's registry offers it. */
const FROM_REGISTRY: Readonly<Record<PackageManagerName, (version: string | null) => string>> = {
  npm: () => "exit 127",
  pnpm: (version) => npmExec("pnpm", version ?? "latest", "pnpm"),
  bun: (version) => npmExec("bun", version ?? "latest", "bun"),
  yarn: (version) => {
    const classic = npmExec("yarn", version?.startsWith("1.") ? version : "1", "yarn");
    const modern = npmExec("@yarnpkg/cli-dist", version?.startsWith("1.") ? "4" : (version ?? "4"), "yarn");
    if (version !== null) return version.startsWith("1.") ? classic : modern;
    // Only the lockfiles of Yarn 2 and later begin with this. Yarn 1 hands over to a Yarn that the project brings.
    return `if grep -qs '^__metadata:' yarn.lock ../yarn.lock ../../yarn.lock; then ${modern}; else ${classic}; fi`;
  },
};

function npmExec(name: string, version: string, bin: string): string {
  return `exec npm exec --yes --package=${name}@${version} -- ${bin} install`;
}

/**
 * How the owner of a linked directory would install it: the project's own manager, in its folder. `registry` is the one
 * that the owner's npm is configured to (null: the public one); what the project itself says about registries goes first.
 */
export function installInPlace(
  manager: PackageManager,
  registry: string | null,
): NonNullable<RunSpec["install"]> {
  const name = manager.name ?? "npm";
  // A lockfile is read and left as it is: an npm of another age would write it anew.
  const flags = name === "npm" && manager.lockfile !== null ? " --no-save" : "";
  const script = [
    ...(registry === null ? [] : USER_SETTINGS),
    `if command -v ${name} >/dev/null 2>&1; then exec ${name} install${flags}; fi`,
    FROM_REGISTRY[name](manager.version),
  ].join("\n");
  return {
    command: ["/bin/sh", "-c", script],
    env: {
      npm_config_audit: "false",
      npm_config_fund: "false",
      npm_config_update_notifier: "false",
      // By default npm waits 10 and 60 seconds before it says that there is no network.
      npm_config_fetch_retry_mintimeout: "500",
      npm_config_fetch_retry_maxtimeout: "5000",
      // pnpm would otherwise ask before it replaces another manager's node_modules, and stop without a terminal.
      pnpm_config_confirm_modules_purge: "false",
      ...(registry === null ? {} : { VELOCITY_REGISTRY: registry }),
    },
  };
}

/** In the container's own home folder; npm, pnpm and Yarn 1 read the first, later Yarns the second. */
const USER_SETTINGS: readonly string[] = [
  '[ -e "$HOME/.npmrc" ] || printf \'registry=%s\\n\' "$VELOCITY_REGISTRY" > "$HOME/.npmrc"',
  '[ -e "$HOME/.yarnrc.yml" ] || printf \'npmRegistryServer: "%s"\\n\' "$VELOCITY_REGISTRY" > "$HOME/.yarnrc.yml"',
];
