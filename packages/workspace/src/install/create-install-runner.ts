import { type HostOwner, type NamespaceSupport, operatorNpmConfig } from "@velocity/sandbox";
import type { InstallRunner } from "./install-runner.ts";
import { createPlainRunner } from "./plain-runner.ts";
import { createSandboxRunner } from "./sandbox-runner.ts";

export interface InstallRunnerOptions {
  /** What `detectSandbox` found; null: no sandbox here, and everything is trusted. */
  readonly support: NamespaceSupport | null;
  readonly cacheDir: string;
  /** Short folder for a socket and mount points, for this server alone, which other users may pass through (0711). */
  readonly runtimeDir: string;
  readonly nodePath: string;
  /** Folder with `agent.mjs`. */
  readonly agentDir: string;
  /** The operator's environment: PATH, HOME and what npm reads of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Told of each connection that an installer was refused. */
  readonly onRefused?: (target: string, reason: string) => void;
}

/** Below the users of containers, which begin at 1,900,000,000. One group: both use the same proxy socket. */
const INSTALLER: HostOwner = { uid: 1_899_999_001, gid: 1_899_999_001 };
const SCRIPTS: HostOwner = { uid: 1_899_999_002, gid: 1_899_999_001 };
const NPM_TIMEOUT_MS = 15_000;

/** The way to run installers on this machine: sandboxed wherever it can. */
export function createInstallRunner(options: InstallRunnerOptions): InstallRunner {
  const { support, cacheDir, runtimeDir, nodePath, agentDir, onRefused } = options;
  if (support === null) {
    const known = Object.entries(options.env).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    // What npm sets for its own scripts would be settings for the next npm.
    return createPlainRunner(
      Object.fromEntries(known.filter(([name]) => !/^(npm_|NODE_OPTIONS$|VELOCITY_)/.test(name))),
    );
  }
  // Asked in a folder of ours, so that no project's settings count.
  const asked = operatorNpmConfig({ npm: "npm", cwd: "/", signal: AbortSignal.timeout(NPM_TIMEOUT_MS) });
  asked.catch(() => {});
  return createSandboxRunner({
    support,
    cacheDir,
    runtimeDir,
    nodePath,
    agentDir,
    npmConfig: () => asked,
    extraCaFile: options.env.NODE_EXTRA_CA_CERTS ?? null,
    owners: { installer: INSTALLER, scripts: SCRIPTS },
    ...(onRefused === undefined ? {} : { onRefused }),
  });
}
