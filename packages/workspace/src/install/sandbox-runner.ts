import { randomUUID } from "node:crypto";
import { chmod, chown, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  createEgressProxy,
  type EgressProxy,
  egressSettings,
  type HostOwner,
  INSIDE_HOME,
  type NamespaceSupport,
  type OperatorNpmConfig,
  planLaunch,
  removeTree,
  type SandboxMount,
  writeMinimalEtc,
} from "@velocity/sandbox";
import type { InstallJob, InstallRunner } from "./install-runner.ts";
import { operatorNpmrc } from "./operator-npmrc.ts";
import { runChild } from "./run-child.ts";
import { runTool } from "./run-tool.ts";

export interface SandboxRunnerOptions {
  readonly support: NamespaceSupport;
  /** The workspace's cache folder; at `/velocity/cache` inside. */
  readonly cacheDir: string;
  /**
   * Short folder for the proxy's socket and for mount points, not shared with anything else. Every folder above it has to
   * let other users pass through.
   */
  readonly runtimeDir: string;
  readonly nodePath: string;
  /** Folder with `agent.mjs`, whose run mode gives the installer its way out. */
  readonly agentDir: string;
  /** What the operator's npm is configured to. */
  readonly npmConfig: () => Promise<OperatorNpmConfig>;
  /** Host users of installers and of install scripts; only root may choose any. */
  readonly owners: Readonly<Record<InstallJob["trust"], HostOwner>> | null;
  /** File with further certificates that Node programs trust here (`NODE_EXTRA_CA_CERTS`); null: none. */
  readonly extraCaFile: string | null;
  /** Told of each connection that the proxy refused. */
  readonly onRefused?: (target: string, reason: string) => void;
}

const INSIDE = {
  cache: "/velocity/cache",
  host: "/velocity/host",
  node: "/opt/velocity/bin/node",
  agent: "/opt/velocity/agent",
  socket: "/run/velocity-host/egress.sock",
  ca: "/run/velocity-host/ca.pem",
  extraCa: "/run/velocity-host/extra-ca.pem",
} as const;
const SOCKET = "egress.sock";
const CA_FILE = "ca.pem";
const EXTRA_CA_FILE = "extra-ca.pem";
const TMP_BYTES = 2 * 1024 ** 3;

interface Prepared {
  readonly etcDir: string;
  readonly stageDir: string;
  readonly hostSide: string;
  readonly config: OperatorNpmConfig;
  readonly extraCa: boolean;
  readonly proxy: EgressProxy;
}

/**
 * Runs installers in a bubblewrap sandbox of their own: no capabilities, a user of their own, nothing of the host but the
 * folders of the job, and the allow-listing proxy as the only way out. Ends with this process.
 */
export function createSandboxRunner(options: SandboxRunnerOptions): InstallRunner {
  const { cacheDir, nodePath, support } = options;
  const owners = support.root ? options.owners : null;
  let prepared: Promise<Prepared> | null = null;
  const ready = (): Promise<Prepared> => {
    prepared ??= prepare(options, owners).catch((error: unknown) => {
      prepared = null;
      throw error;
    });
    return prepared;
  };
  const place = (source: string): string => {
    if (source === nodePath) return INSIDE.node;
    if (source === cacheDir || source.startsWith(`${cacheDir}/`))
      return INSIDE.cache + source.slice(cacheDir.length);
    return INSIDE.host + source;
  };
  return {
    place,
    async hand(folder, trust) {
      const owner = owners?.[trust];
      if (owner !== undefined) await runTool("chown", ["-R", "-h", `${owner.uid}:${owner.gid}`, folder]);
    },
    async run(job) {
      const { etcDir, stageDir, hostSide, config, extraCa } = await ready();
      job.signal.throwIfAborted();
      const bind = (source: string, target: string, writable = false): SandboxMount => ({
        kind: "bind",
        source,
        target,
        writable,
      });
      const plan = planLaunch(
        {
          id: `install-${randomUUID()}`,
          owner: owners?.[job.trust] ?? null,
          command: [
            INSIDE.node,
            `${INSIDE.agent}/agent.mjs`,
            "run",
            "--egress",
            INSIDE.socket,
            "--",
            ...job.command,
          ],
          cwd: job.cwd,
          env: {
            PATH: `${dirname(INSIDE.node)}:/usr/local/bin:/usr/bin:/bin`,
            HOME: INSIDE_HOME,
            LANG: "C.UTF-8",
            TMPDIR: "/tmp",
            // The machine's own certificates, besides those that come with Node.
            NODE_USE_SYSTEM_CA: "1",
            ...(extraCa ? { NODE_EXTRA_CA_CERTS: INSIDE.extraCa } : {}),
            ...(config.registry === null ? {} : { YARN_NPM_REGISTRY_SERVER: config.registry }),
            ...job.env,
          },
          mounts: [
            { kind: "tmpfs", target: INSIDE_HOME, sizeBytes: TMP_BYTES },
            bind(nodePath, INSIDE.node),
            bind(options.agentDir, INSIDE.agent),
            bind(join(hostSide, SOCKET), INSIDE.socket),
            // One by one: install scripts must not see the installer's logins.
            bind(join(hostSide, `${job.trust}.npmrc`), `${INSIDE_HOME}/.npmrc`),
            ...(config.cafile === null ? [] : [bind(join(hostSide, CA_FILE), INSIDE.ca)]),
            ...(extraCa ? [bind(join(hostSide, EXTRA_CA_FILE), INSIDE.extraCa)] : []),
            ...job.mounts.map((mount) => bind(mount.source, place(mount.source), mount.writable)),
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
      return runChild({
        file: plan.file,
        args: plan.args,
        cwd: "/",
        env: {},
        signal: job.signal,
        onLine: job.onLine,
      });
    },
    async registry() {
      const { config } = await ready();
      return config.registry?.replace(/\/?$/, "/") ?? null;
    },
    async close() {
      const done = await prepared?.catch(() => null);
      await done?.proxy.close();
      // Nothing in it outlives the runner, and whoever looks after the folder around it waits for it to be empty.
      await removeTree(options.runtimeDir);
    },
  };
}

async function prepare(
  options: SandboxRunnerOptions,
  owners: SandboxRunnerOptions["owners"],
): Promise<Prepared> {
  const { runtimeDir } = options;
  const etcDir = join(runtimeDir, "etc");
  const stageDir = join(runtimeDir, "m");
  const hostSide = join(runtimeDir, "h");
  for (const folder of [runtimeDir, stageDir, hostSide]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o711);
  }
  await writeMinimalEtc(etcDir);
  const config = await options.npmConfig();
  if (config.cafile !== null)
    await writeFile(join(hostSide, CA_FILE), await readFile(config.cafile), { mode: 0o644 });
  // Node only warns of a missing file, and so do we: by going without.
  const extra = options.extraCaFile === null ? null : await readFile(options.extraCaFile).catch(() => null);
  if (extra !== null) await writeFile(join(hostSide, EXTRA_CA_FILE), extra, { mode: 0o644 });
  const files = await Promise.all(
    [config.globalConfig, config.userConfig].map((path) =>
      path === null ? "" : readFile(path, "utf8").catch(() => ""),
    ),
  );
  for (const trust of ["installer", "scripts"] as const) {
    const text = operatorNpmrc(config, files, {
      logins: trust === "installer",
      cafile: config.cafile === null ? null : INSIDE.ca,
    });
    const path = join(hostSide, `${trust}.npmrc`);
    await rm(path, { force: true });
    await writeFile(path, text, { flag: "wx", mode: 0o400 });
    const owner = owners?.[trust];
    if (owner !== undefined) await chown(path, owner.uid, owner.gid);
  }
  const socketPath = join(hostSide, SOCKET);
  const settings = egressSettings(config);
  const proxy = await createEgressProxy({
    socketPath,
    gid: owners?.installer.gid ?? null,
    policy: "registry",
    settings: async () => settings,
    ...(options.onRefused === undefined ? {} : { onRefused: options.onRefused }),
  });
  return { etcDir, stageDir, hostSide, config, extraCa: extra !== null, proxy };
}
