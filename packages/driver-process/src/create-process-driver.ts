import { chmod, mkdir, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { VelocityError } from "@velocity/contract";
import type { Driver, DriverCapabilities } from "@velocity/core";
import {
  detectSandbox,
  type EgressSettings,
  egressSettings,
  operatorNpmConfig,
  removeCgroupParents,
  removeTree,
  type SandboxSupport,
  seccompFilter,
  warmCgroups,
  writeMinimalEtc,
} from "@velocity/sandbox";
import { adoptContainers } from "./adopt.ts";
import { firstUidOf, UidRange } from "./allocate-uid.ts";
import { containerPaths, containersDir, socketPath } from "./container-paths.ts";
import { createContainer } from "./create.ts";
import { destroyContainer } from "./destroy.ts";
import type { DriverContext } from "./driver-context.ts";
import { createEgressKeeper } from "./egress-keeper.ts";
import { execInContainer } from "./exec.ts";
import { inspectContainer } from "./inspect.ts";
import { KeyedLock } from "./keyed-lock.ts";
import { listContainers } from "./list.ts";
import { containerLogs } from "./logs.ts";
import { pingEngine } from "./ping.ts";
import type { ProcessDriverOptions } from "./process-driver-options.ts";
import { resumeContainer } from "./resume.ts";
import { startContainer } from "./start.ts";
import { containerStats } from "./stats.ts";
import { stopContainer } from "./stop.ts";
import { suspendContainer } from "./suspend.ts";
import { watchLimits } from "./watch-limits.ts";

const SECCOMP_FILE = "seccomp.bpf";
const NPM_TIMEOUT_MS = 30_000;
const DEFAULT_WATCH_INTERVAL_MS = 10_000;
const DEFAULT_MAX_PROCESSES = 4096;

/**
 * Containers as sandboxed processes of this machine. Adopts what an earlier driver of the same folder left before it
 * resolves. Throws `sandbox_missing` where `requireIsolation` cannot be met.
 */
export async function createProcessDriver(options: ProcessDriverOptions): Promise<Driver> {
  const support = options.support ?? (await detectSandbox());
  if (support.namespaces === null && options.requireIsolation)
    throw new VelocityError("sandbox_missing", support.advice[0] ?? "This machine has no sandbox.");
  const { dataDir, runtimeDir } = options;
  const uidsDir = join(dataDir, "uids");
  const etcDir = join(runtimeDir, "etc");
  // 0711: the containers' users pass through to their own folders and see nothing else.
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  for (const folder of [containersDir(dataDir), runtimeDir]) {
    await mkdir(folder, { recursive: true });
    await chmod(folder, 0o711);
  }
  await mkdir(uidsDir, { recursive: true, mode: 0o700 });
  await writeMinimalEtc(etcDir);
  let warming = Promise.resolve();
  const context: DriverContext = {
    warm: () => {
      warming = warmCgroups(context.cgroups);
    },
    options,
    log: options.log,
    namespaces: support.namespaces,
    cgroups: options.cgroups ?? support.cgroups,
    cgroupGroup: `velocity-${options.installId.slice(0, 8)}`,
    maxProcesses: options.maxProcesses ?? DEFAULT_MAX_PROCESSES,
    locks: new KeyedLock(),
    uids: new UidRange(uidsDir, options.firstUid ?? firstUidOf(options.installId)),
    egress: createEgressKeeper(options.log, options.egress ?? (() => egressFromNpm(dataDir))),
    etcDir,
    seccompFile: await writeSeccompFilter(join(runtimeDir, SECCOMP_FILE)),
    cpuSamples: new Map(),
  };
  await adoptContainers(context);
  const watch = watchLimits(context, options.watchIntervalMs ?? DEFAULT_WATCH_INTERVAL_MS);
  return {
    name: "process",
    capabilities: capabilitiesOf(support, context),
    create: async (spec, call) => createContainer(context, spec, call),
    start: async (handle, boot, call) => startContainer(context, handle, boot, call),
    suspend: async (handle, call) => suspendContainer(context, handle, call),
    resume: async (handle, call) => resumeContainer(context, handle, call),
    stop: async (handle, call) => stopContainer(context, handle, call),
    destroy: async (handle, call) => destroyContainer(context, handle, call),
    inspect: (handle, call) => inspectContainer(context, handle, call),
    list: (call) => listContainers(context, call),
    endpoint: (handle, kind) => ({
      kind: "unix",
      path: socketPath(containerPaths(options, handle.containerId), kind),
    }),
    exec: (handle, command, call) => execInContainer(context, handle, command, call),
    logs: (handle, logOptions, call) => containerLogs(context, handle, logOptions, call),
    stats: (handle, call) => containerStats(context, handle, call),
    ping: (call) => pingEngine(context, call),
    close: async () => {
      await watch.close();
      await warming;
      await context.egress.closeAll();
      removeCgroupParents(context.cgroups, context.cgroupGroup);
      await removeEmptyRuntime(context, etcDir);
    },
  };
}

/** With no container alive, nothing is left of what ends with the processes; made anew by the next driver. */
async function removeEmptyRuntime(context: DriverContext, etcDir: string): Promise<void> {
  const { runtimeDir } = context.options;
  const live = (await readdir(runtimeDir)).some((name) => /^[0-9a-f]{16}$/.test(name));
  if (live) return;
  await removeTree(etcDir);
  await rm(join(runtimeDir, SECCOMP_FILE), { force: true });
  // Kept where others have something in it.
  await rmdir(runtimeDir).catch(() => undefined);
}

async function writeSeccompFilter(path: string): Promise<string | null> {
  const filter = seccompFilter(process.arch);
  if (filter === null) return null;
  await writeFile(path, filter, { mode: 0o644 });
  return path;
}

/** Asked in a folder of ours, so that no project's settings count. */
async function egressFromNpm(cwd: string): Promise<EgressSettings> {
  const signal = AbortSignal.timeout(NPM_TIMEOUT_MS);
  return egressSettings(await operatorNpmConfig({ npm: "npm", cwd, signal }));
}

function capabilitiesOf(support: SandboxSupport, context: DriverContext): DriverCapabilities {
  const { cgroups } = context;
  const isolated = support.namespaces !== null;
  return {
    suspend: "memory",
    arbitratesNames: true,
    watch: false,
    exec: true,
    isolation: isolated ? "namespaces" : "none",
    limits: [
      ...(cgroups.cpu === null ? [] : (["cpus"] as const)),
      // By the kernel where it can, else by the watch.
      "memory",
      "disk",
      ...(cgroups.pids === null ? [] : (["processes"] as const)),
    ],
    network: isolated ? ["none", "registry", "full"] : ["full"],
    seedsWorkspace: true,
    notes: isolated
      ? support.advice
      : ["Previews are not isolated from this machine: run trusted code only.", ...support.advice],
  };
}
