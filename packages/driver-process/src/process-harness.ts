import { randomUUID } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { containerIdSchema, type InstallId, installIdSchema, LABELS } from "@velocity/contract";
import { type ContainerSpec, containerName, type Driver, silentLog } from "@velocity/core";
import {
  type CgroupLayout,
  cgroupLayoutFolders,
  readProcesses,
  type SandboxSupport,
} from "@velocity/sandbox";
import { type DriverHarness, STAND_IN_AGENT } from "@velocity/testkit";
import { INSIDE, pathsIn } from "./container-paths.ts";
import { createProcessDriver } from "./create-process-driver.ts";

/** What another process needs to open the same engine. */
export interface HarnessSettings {
  readonly dataDir: string;
  readonly runtimeDir: string;
  readonly agentBundle: string;
  readonly nodePath: string;
  readonly installId: InstallId;
  readonly allowedPort: number;
}

export function openHarnessDriver(
  settings: HarnessSettings,
  support: SandboxSupport,
  cgroups: CgroupLayout,
): Promise<Driver> {
  const { allowedPort, ...places } = settings;
  return createProcessDriver({
    ...places,
    staticServerDir: null,
    log: silentLog,
    requireIsolation: support.namespaces !== null,
    support,
    cgroups,
    maxProcesses: 200,
    watchIntervalMs: 200,
    egress: async () => ({ allowedHosts: [{ host: "127.0.0.1", port: allowedPort }], upstream: null }),
  });
}

export type ProcessHarness = DriverHarness & { readonly settings: HarnessSettings };

/** The process driver on this machine, in folders of its own, with a small program in place of the agent. */
export async function processHarness(
  support: SandboxSupport,
  cgroups: CgroupLayout,
): Promise<ProcessHarness> {
  const isolated = support.namespaces !== null;
  const root = await mkdtemp(join(tmpdir(), "velocity-driver-"));
  await chmod(root, 0o711);
  const dataDir = join(root, "data");
  const runtimeDir = join(root, "run");
  const agentBundle = join(root, "agent");
  const layer = join(root, "layer");
  await mkdir(agentBundle);
  await writeFile(join(agentBundle, "agent.mjs"), STAND_IN_AGENT);
  await mkdir(join(layer, "layer"), { recursive: true });
  await writeFile(join(layer, "layer", "index.js"), "original\n");
  // As the dependency cache leaves it: anyone may write, so that a changed copy can be made.
  for (const path of [layer, join(layer, "layer"), join(layer, "layer", "index.js")])
    await chmod(path, 0o777);
  const installId = installIdSchema.parse(randomUUID());
  const allowed = await listen();
  const refused = await listen();
  const nodePath = await realpath(process.execPath);
  const settings: HarnessSettings = {
    dataDir,
    runtimeDir,
    agentBundle,
    nodePath,
    installId,
    allowedPort: allowed.port,
  };
  const open = () => openHarnessDriver(settings, support, cgroups);
  let driver = await open();
  return {
    settings,
    get driver() {
      return driver;
    },
    async reopen() {
      driver = await open();
      return driver;
    },
    spec(overrides = {}): ContainerSpec {
      const containerId = containerIdSchema.parse(randomUUID());
      return {
        containerId,
        installId,
        name: containerName(installId, containerId),
        labels: { [LABELS.service]: "preview", [LABELS.install]: installId, [LABELS.container]: containerId },
        resources: { cpus: null, memoryMb: null, diskMb: null },
        network: "none",
        workspace: { kind: "managed" },
        seed: [],
        dependencies: [],
        identity: { containerId, sessionId: null, projectId: null, generation: 0 },
        run: null,
        ...overrides,
      };
    },
    node: isolated ? INSIDE.node : nodePath,
    workspace: ({ containerId }) =>
      isolated ? INSIDE.workspace : pathsIn(join(dataDir, "containers", containerId), "").workspace,
    dependencyPath: layer,
    egress: isolated
      ? {
          allowed: `127.0.0.1:${allowed.port}`,
          refused: `127.0.0.1:${refused.port}`,
          socket: join(INSIDE.hostSide, "egress.sock"),
        }
      : null,
    async leftovers() {
      const left: string[] = [];
      for (const { pid } of readProcesses()) {
        const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
        if (command.includes(root)) left.push(`process ${pid}: ${command.replaceAll("\0", " ")}`);
      }
      const mounts = await readFile("/proc/self/mountinfo", "utf8");
      left.push(...mounts.split("\n").filter((line) => line.includes(root)));
      const names = async (folder: string) => (await readdir(folder)).map((name) => join(folder, name));
      left.push(...(await names(join(dataDir, "containers"))), ...(await names(join(dataDir, "uids"))));
      left.push(
        ...(await names(runtimeDir)).filter(
          (path) => !["etc", "seccomp.bpf"].some((name) => path === join(runtimeDir, name)),
        ),
      );
      for (const folder of cgroupLayoutFolders(cgroups)) {
        const group = join(folder, `velocity-${installId.slice(0, 8)}`);
        const inside = await readdir(group, { withFileTypes: true }).catch(() => []);
        left.push(...inside.filter((entry) => entry.isDirectory()).map((entry) => join(group, entry.name)));
      }
      return left;
    },
    async close() {
      for (const one of await driver.list({ signal: AbortSignal.timeout(30_000) }))
        await driver.destroy(one, { signal: AbortSignal.timeout(30_000) });
      await driver.close();
      await Promise.all([allowed.close(), refused.close()]);
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function listen(): Promise<{ port: number; close(): Promise<void> }> {
  const server: Server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((done) => server.listen({ host: "127.0.0.1", port: 0 }, () => done()));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, close: () => new Promise((done) => server.close(() => done())) };
}
