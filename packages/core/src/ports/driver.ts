import type {
  AgentConfig,
  ContainerId,
  Endpoint,
  Exec,
  ExecResult,
  FileContent,
  Identity,
  InstallId,
  LogLine,
  NetworkPolicy,
  Resources,
  RunSpec,
} from "@velocity/contract";

/** What an engine really can do. Shown by the API; nothing here is a wish. */
export interface DriverCapabilities {
  /** `memory`: processes go on where they were; `disk`: only the workspace survives; `none`: nothing does. */
  readonly suspend: "memory" | "disk" | "none";
  /** The engine refuses a second container of the same name. */
  readonly arbitratesNames: boolean;
  readonly watch: boolean;
  readonly exec: boolean;
  readonly isolation: "none" | "namespaces" | "container" | "vm";
  /** Limits that are enforced, not merely requested. */
  readonly limits: readonly ("cpus" | "memory" | "disk" | "processes")[];
  /** Egress policies that are enforced. */
  readonly network: readonly NetworkPolicy[];
  /** `create` puts `seed` into the workspace, so that the dev server can start with the agent. */
  readonly seedsWorkspace: boolean;
  /** Things an operator should know, in plain sentences ("No bubblewrap: trusted code only"). */
  readonly notes: readonly string[];
}

/** A dependency tree, ready to be mounted read-only below a writable layer. Only drivers on this machine use `path`. */
export interface DependencyMount {
  readonly key: string;
  /** Folder on this machine that holds the `node_modules` to be mounted. */
  readonly path: string;
  /** Where it is mounted, relative to the workspace: `node_modules`. */
  readonly target: string;
}

/** All that a container is made from. The same spec gives the same container: `create` is idempotent by id. */
export interface ContainerSpec {
  readonly containerId: ContainerId;
  readonly installId: InstallId;
  /** `velocity-<install>-<container id>`. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly resources: Resources;
  readonly network: NetworkPolicy;
  /** `linked`: the user's own directory, mounted live; `mountRoot` is the monorepo root where that has to be seen too. */
  readonly workspace:
    | { readonly kind: "managed" }
    | { readonly kind: "linked"; readonly directory: string; readonly mountRoot: string };
  /** Files of a managed workspace at birth. Ignored by drivers without `seedsWorkspace`. */
  readonly seed: readonly FileContent[];
  readonly dependencies: readonly DependencyMount[];
  readonly identity: Identity;
  /** Dev server to start with the agent; null: wait to be bound. */
  readonly run: RunSpec | null;
}

export type ContainerStatus = "created" | "running" | "suspended" | "stopped" | "gone";

/** What the engine says about one container. `status: "gone"` only when the engine positively knows that it is absent. */
export interface ContainerObservation {
  readonly containerId: ContainerId;
  readonly ref: string;
  readonly status: ContainerStatus;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

export interface ContainerStats {
  readonly cpuPercent: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly processes: number;
}

export interface DriverCall {
  readonly signal: AbortSignal;
}

/** Names a container to its driver. `ref` is opaque to everyone else. */
export interface ContainerHandle {
  readonly containerId: ContainerId;
  readonly ref: string;
}

/**
 * One container engine. Every method succeeds or throws a `VelocityError`; it never logs and returns.
 * All are idempotent. `destroy` of something missing succeeds, and resolves when destruction was accepted: `inspect` and
 * `list` say whether it is gone. `list` returns everything of this install, stopped ones included, or throws.
 */
export interface Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;
  /** Makes the container without running it; a conflict or an ambiguous time-out is resolved by looking up and adopting. */
  create(spec: ContainerSpec, call: DriverCall): Promise<{ ref: string }>;
  /** Runs a created or stopped container. `boot` replaces what the agent reads at start. Resolves when it runs, not when it is ready. */
  start(
    handle: ContainerHandle,
    boot: Pick<AgentConfig, "identity" | "run">,
    call: DriverCall,
  ): Promise<void>;
  /** Keeps memory. Only with `suspend: "memory"`. */
  suspend(handle: ContainerHandle, call: DriverCall): Promise<void>;
  resume(handle: ContainerHandle, call: DriverCall): Promise<void>;
  /** Ends every process, keeps the workspace. */
  stop(handle: ContainerHandle, call: DriverCall): Promise<void>;
  destroy(handle: ContainerHandle, call: DriverCall): Promise<void>;
  inspect(handle: ContainerHandle, call: DriverCall): Promise<ContainerObservation | { status: "gone" }>;
  list(call: DriverCall): Promise<readonly ContainerObservation[]>;
  /** Where the agent (`control`) or the app listens. Pure: it says where, not whether. */
  endpoint(handle: ContainerHandle, kind: "control" | "app" | { readonly port: number }): Endpoint;
  exec(handle: ContainerHandle, command: Exec, call: DriverCall): Promise<ExecResult>;
  /** Log of the container's own output, oldest first. */
  logs(
    handle: ContainerHandle,
    options: { readonly tail: number },
    call: DriverCall,
  ): Promise<readonly LogLine[]>;
  stats(handle: ContainerHandle, call: DriverCall): Promise<ContainerStats>;
  /** Whether the engine answers. Throws `driver_unavailable`. */
  ping(call: DriverCall): Promise<void>;
  /** Ends what the driver itself holds (proxies, watchers); containers live on. */
  close(): Promise<void>;
}
