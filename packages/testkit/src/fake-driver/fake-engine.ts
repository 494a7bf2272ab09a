import type {
  AgentEvent,
  ContainerId,
  FileContent,
  Identity,
  LogLine,
  RunSpec,
  ServerStatus,
} from "@velocity/contract";
import type { ContainerSpec, ContainerStatus } from "@velocity/core";

/** What a project's dev server does when it is started. */
export type Behaviour = "listens" | "exits" | "never" | "silent";

export interface FakeContainer {
  readonly id: ContainerId;
  readonly spec: ContainerSpec;
  readonly createdAt: Date;
  status: Exclude<ContainerStatus, "gone">;
  identity: Identity;
  run: RunSpec | null;
  readonly files: Map<string, FileContent>;
  events: AgentEvent[];
  /** Counted by test code: how often its processes were started. */
  boots: number;
  server: ServerStatus;
  readonly listeners: Set<() => void>;
}

export type EngineCall =
  | "create"
  | "start"
  | "suspend"
  | "resume"
  | "stop"
  | "destroy"
  | "inspect"
  | "list"
  | "identity"
  | "bind"
  | "applyFiles"
  | "exec"
  | "restart";

export interface EngineFaults {
  /** Called before and after the effect of every call; it may throw, wait, or never settle. */
  at?(call: EngineCall, when: "before" | "after", containerId: ContainerId | null): Promise<void> | void;
  /** Destroy says yes and does nothing. */
  liesAtDestroy?(containerId: ContainerId): boolean;
}

/** An engine that exists only in memory: the truth that fake driver and fake agent look at. */
export class FakeEngine {
  readonly containers = new Map<ContainerId, FakeContainer>();
  faults: EngineFaults = {};
  behaviour: (container: FakeContainer) => Behaviour = () => "listens";
  now: () => Date = () => new Date("2026-01-01T00:00:00.000Z");
  /** Every effect that happened, in order. */
  readonly effects: { readonly call: EngineCall; readonly containerId: ContainerId }[] = [];

  async around<T>(
    call: EngineCall,
    containerId: ContainerId | null,
    effect: () => T | Promise<T>,
  ): Promise<T> {
    await this.faults.at?.(call, "before", containerId);
    const result = await effect();
    if (containerId !== null) this.effects.push({ call, containerId });
    await this.faults.at?.(call, "after", containerId);
    return result;
  }

  create(spec: ContainerSpec): void {
    if (this.containers.has(spec.containerId)) return;
    this.containers.set(spec.containerId, {
      id: spec.containerId,
      spec,
      createdAt: this.now(),
      status: "created",
      identity: spec.identity,
      run: null,
      files: new Map(spec.seed.map((file) => [file.path, file])),
      events: [],
      boots: 0,
      server: "idle",
      listeners: new Set(),
    });
  }

  boot(container: FakeContainer, identity: Identity, run: RunSpec | null): void {
    container.status = "running";
    container.identity = identity;
    container.boots++;
    container.run = null;
    container.events = [];
    container.server = "idle";
    this.tell(container);
    if (run !== null) this.serve(container, run);
  }

  /** Starts the dev server, and lets it do what the test wants of it. */
  serve(container: FakeContainer, run: RunSpec): void {
    container.run = run;
    const behaviour = this.behaviour(container);
    if (behaviour === "silent") return;
    if (run.install !== null) {
      this.server(container, "installing");
      const log = run.install.env.VELOCITY_INSTALL_LOG;
      if (log !== undefined) {
        this.server(container, "failed", {
          code: "install_failed",
          message: "The install failed.",
          log: [log],
        });
        return;
      }
    }
    this.server(container, "starting");
    if (behaviour === "listens") this.server(container, "listening");
    if (behaviour === "exits") {
      this.server(container, "failed", {
        code: "server_exited",
        message: "The dev server exited.",
        log: ["boom"],
      });
    }
  }

  server(
    container: FakeContainer,
    status: ServerStatus,
    error: { code: string; message: string; log: string[] } | null = null,
  ): void {
    container.server = status;
    const port = status === "listening" ? (container.run?.port ?? null) : null;
    this.emit(container, (seq) => ({
      type: "server",
      seq,
      at: this.now().toISOString(),
      status,
      port,
      error,
    }));
  }

  log(container: FakeContainer, text: string): void {
    const line: LogLine = { at: this.now().toISOString(), source: "server", stream: "stdout", text };
    this.emit(container, (seq) => ({ type: "log", seq, line }));
  }

  /** Someone edits inside the container. */
  edit(container: FakeContainer, file: FileContent): void {
    container.files.set(file.path, file);
    this.emit(container, (seq) => ({
      type: "file",
      seq,
      at: this.now().toISOString(),
      changed: [file.path],
      deleted: [],
    }));
  }

  emit(container: FakeContainer, event: (seq: number) => AgentEvent): void {
    container.events.push(event(container.events.length + 1));
    this.tell(container);
  }

  /** Processes end without the driver being asked. */
  kill(container: FakeContainer): void {
    container.status = "stopped";
    container.server = "stopped";
    this.tell(container);
  }

  remove(id: ContainerId): void {
    const container = this.containers.get(id);
    this.containers.delete(id);
    if (container !== undefined) this.tell(container);
  }

  tell(container: FakeContainer): void {
    for (const listener of [...container.listeners]) listener();
  }
}
