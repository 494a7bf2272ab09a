import type { RunSpec } from "@velocity/contract";
import type { PackageManager } from "../detect/package-manager.ts";

/** What lies beside the files of a linked directory. */
export interface LinkedState {
  /** `node_modules` is missing, lacks a dependency, or is older than the lockfile. */
  readonly needsInstall: boolean;
  /** Lockfiles of the monorepo that the directory is part of, where that is another folder. */
  readonly rootLockfiles: readonly string[];
}

/** How the owner of a linked directory would install it: the project's own manager, in its folder. */
export function installInPlace(manager: PackageManager): NonNullable<RunSpec["install"]> {
  const name = manager.name ?? "npm";
  const script = [
    `if command -v ${name} >/dev/null 2>&1; then exec ${name} install; fi`,
    `if command -v corepack >/dev/null 2>&1; then exec corepack ${name} install; fi`,
    `echo "${name} is not installed on this machine. Install it (npm install -g ${name}) or run your install yourself." >&2`,
    "exit 127",
  ].join("\n");
  return {
    command: ["/bin/sh", "-c", script],
    env: {
      COREPACK_ENABLE_DOWNLOAD_PROMPT: "0",
      npm_config_audit: "false",
      npm_config_fund: "false",
      npm_config_update_notifier: "false",
      // pnpm would otherwise ask before it replaces another manager's node_modules, and stop without a terminal.
      npm_config_confirm_modules_purge: "false",
      pnpm_config_confirm_modules_purge: "false",
    },
  };
}
