import { join } from "node:path";
import { APP_SOCKET, CONTROL_SOCKET, type ContainerId, portSocket } from "@velocity/contract";

/** Where the files of one container are on the host. */
export interface ContainerPaths {
  /** Everything that lasts; only `workspace`, `home` and `log` can be written from inside. */
  readonly folder: string;
  readonly state: string;
  readonly workspace: string;
  readonly home: string;
  readonly logDir: string;
  readonly agentLog: string;
  readonly output: string;
  readonly status: string;
  /** Everything that ends with the processes. */
  readonly runtime: string;
  /** Written from inside: the sockets of the agent and the app. */
  readonly sockets: string;
  /** Written by us, read-only inside: the agent's configuration and the egress proxy's socket. */
  readonly hostSide: string;
  readonly agentConfig: string;
  readonly egressSocket: string;
  /** Where the sandbox's private mounts are mounted, in its own view only. */
  readonly mountPoints: string;
}

export function containersDir(dataDir: string): string {
  return join(dataDir, "containers");
}

/** The part of a container's id that its folder of sockets and its control groups are called by. */
export function shortId(id: ContainerId): string {
  return id.replaceAll("-", "").slice(0, 16);
}

export function containerPaths(
  dirs: { readonly dataDir: string; readonly runtimeDir: string },
  id: ContainerId,
): ContainerPaths {
  return pathsIn(join(containersDir(dirs.dataDir), id), join(dirs.runtimeDir, shortId(id)));
}

export function pathsIn(folder: string, runtime: string): ContainerPaths {
  const sockets = join(runtime, "s");
  const hostSide = join(runtime, "h");
  const logDir = join(folder, "log");
  return {
    folder,
    state: join(folder, "state.json"),
    workspace: join(folder, "workspace"),
    home: join(folder, "home"),
    logDir,
    agentLog: join(logDir, "agent.log"),
    output: join(folder, "output.log"),
    status: join(folder, "status.json"),
    runtime,
    sockets,
    hostSide,
    agentConfig: join(hostSide, "agent.json"),
    egressSocket: join(hostSide, "egress.sock"),
    mountPoints: join(runtime, "m"),
  };
}

export function overlayPaths(folder: string, index: number): { parent: string; upper: string; work: string } {
  const parent = join(folder, "overlay", String(index));
  return { parent, upper: join(parent, "upper"), work: join(parent, "work") };
}

export function socketPath(
  paths: ContainerPaths,
  kind: "control" | "app" | { readonly port: number },
): string {
  const name = kind === "control" ? CONTROL_SOCKET : kind === "app" ? APP_SOCKET : portSocket(kind.port);
  return join(paths.sockets, name);
}

/** The same places as seen from inside a sandbox. */
export const INSIDE = {
  workspace: "/workspace",
  logDir: "/var/log/velocity",
  sockets: "/run/velocity",
  hostSide: "/run/velocity-host",
  node: "/opt/velocity/bin/node",
  agent: "/opt/velocity/agent",
  static: "/opt/velocity/static",
} as const;
