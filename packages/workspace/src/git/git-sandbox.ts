import { chmod, chown, mkdir, mkdtemp } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  type HostOwner,
  INSIDE_HOME,
  type NamespaceSupport,
  planLaunch,
  removeTree,
  type SandboxMount,
  writeMinimalEtc,
} from "@velocity/sandbox";
import { gitEnvironment } from "./git-command.ts";
import { type BoundedEnd, runBounded } from "./run-bounded.ts";

export interface GitSandboxOptions {
  /** What `detectSandbox` found; null: git runs as an ordinary child process. */
  readonly support: NamespaceSupport | null;
  /** Folder for repositories while they are read; what is in it is removed at first use. */
  readonly workDir: string;
  /** Short folder for sockets and mount points, for this server alone, which other users may pass through (0711). */
  readonly runtimeDir: string;
  readonly nodePath: string;
  /** Folder with `agent.mjs`, whose run mode gives git its way out. */
  readonly agentDir: string;
}

export interface GitStep {
  readonly command: readonly string[];
  readonly input?: string;
  readonly maxOutputBytes: number;
  /** Only a step with a way out has any network, where there is a sandbox. */
  readonly egress: boolean;
  readonly signal: AbortSignal;
}

/** One repository, and where git works on it. */
export interface GitWorkplace {
  /** Where the proxy has to listen. */
  readonly socketPath: string;
  /** The group that has to be able to connect; null: no other user. */
  readonly socketGid: number | null;
  run(step: GitStep): Promise<BoundedEnd>;
  remove(): Promise<void>;
}

/** Below the users of containers, which begin at 1,900,000,000, and not that of installers. */
const OWNER: HostOwner = { uid: 1_899_999_003, gid: 1_899_999_003 };
const INSIDE = {
  repository: "/repository",
  node: "/opt/velocity/bin/node",
  agent: "/opt/velocity/agent",
  socket: "/run/velocity-host/egress.sock",
} as const;
const TMP_BYTES = 64 * 1024 ** 2;

/** Makes the places that git works in: a bubblewrap sandbox of its own for every step, wherever there is one. */
export function createGitSandbox(options: GitSandboxOptions): { open(): Promise<GitWorkplace> } {
  const { support, workDir, runtimeDir } = options;
  const owner = support?.root === true ? OWNER : null;
  const etcDir = join(runtimeDir, "etc");
  let prepared: Promise<void> | null = null;
  const prepare = async () => {
    await removeTree(workDir);
    await mkdir(workDir, { recursive: true, mode: 0o700 });
    await mkdir(runtimeDir, { recursive: true });
    await chmod(runtimeDir, 0o711);
    if (support !== null) await writeMinimalEtc(etcDir);
  };
  return {
    async open() {
      prepared ??= prepare().catch((error: unknown) => {
        prepared = null;
        throw error;
      });
      await prepared;
      const repository = await mkdtemp(join(workDir, "r-"));
      const short = await mkdtemp(join(runtimeDir, "g"));
      await chmod(short, 0o711);
      if (owner !== null) await chown(repository, owner.uid, owner.gid);
      const socketPath = join(short, "s");
      let steps = 0;
      return {
        socketPath,
        socketGid: owner?.gid ?? null,
        async run(step) {
          const { maxOutputBytes, signal, input = "" } = step;
          const bounds = { input, maxOutputBytes, signal };
          if (support === null) {
            const command = withEgress(step, options.nodePath, options.agentDir, socketPath);
            const [file = "", ...args] = command;
            const path = `${dirname(options.nodePath)}:${process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin"}`;
            const env = gitEnvironment({ home: short, repository, path });
            return runBounded({ file, args, cwd: repository, env, ...bounds });
          }
          steps += 1;
          const stageDir = join(short, `m${steps}`);
          await mkdir(stageDir);
          await chmod(stageDir, 0o711);
          const bind = (source: string, target: string, writable = false): SandboxMount => ({
            ...{ kind: "bind", source, target, writable },
          });
          const plan = planLaunch(
            {
              id: `git-${repository.slice(-6)}-${steps}`,
              owner,
              command: withEgress(step, INSIDE.node, INSIDE.agent, INSIDE.socket),
              cwd: INSIDE.repository,
              env: gitEnvironment({
                home: INSIDE_HOME,
                repository: INSIDE.repository,
                path: "/usr/local/bin:/usr/bin:/bin",
              }),
              mounts: [
                { kind: "tmpfs", target: INSIDE_HOME, sizeBytes: TMP_BYTES },
                bind(repository, INSIDE.repository, step.egress),
                ...(step.egress
                  ? [
                      bind(options.nodePath, INSIDE.node),
                      bind(options.agentDir, INSIDE.agent),
                      bind(socketPath, INSIDE.socket),
                    ]
                  : []),
              ],
              etcDir,
              stageDir,
              cgroupFiles: [],
              tmpBytes: TMP_BYTES,
              seccompFile: null,
            },
            support,
            { info: null, status: null, seccomp: null, dieWithParent: true },
          );
          return runBounded({ ...plan, cwd: "/", env: {}, ...bounds });
        },
        async remove() {
          await Promise.all([removeTree(repository), removeTree(short)]);
        },
      };
    },
  };
}

function withEgress(step: GitStep, node: string, agentDir: string, socket: string): readonly string[] {
  if (!step.egress) return step.command;
  return [node, join(agentDir, "agent.mjs"), "run", "--egress", socket, "--", ...step.command];
}
