import type {
  ContainerId,
  CreateProject,
  Exec,
  ExecResult,
  FileContent,
  FileEntry,
  HistoryEntry,
  LogLine,
  Page,
  PoolStatus,
  Project,
  ProjectId,
  PutFiles,
  SessionEvent,
  SessionId,
  SessionState,
  StartOptions,
  StartSource,
  StartTimings,
  SuspendLevel,
  Template,
  UserId,
} from "@velocity/contract";
import type { RouteResolution } from "./ports/routing.ts";
import type { ContainerRecord, SessionRecord } from "./session-record.ts";

/** Who asks. With authentication off it is the local user, who may do everything. */
export interface Caller {
  readonly userId: UserId;
  readonly role: "user" | "admin";
  /** An unknown project id is created from the default template (authentication off), not refused. */
  readonly createsUnknownProjects: boolean;
}

/** A session with the container that serves it, read together. */
export interface SessionView {
  readonly session: SessionRecord;
  readonly container: ContainerRecord | null;
}

export interface StartOutcome extends SessionView {
  /** A row was created by this call (201), not reused or joined (200). */
  readonly created: boolean;
  readonly reused: boolean;
  /** False: `waitMs` was over first and the operation goes on (202). */
  readonly done: boolean;
  readonly source: StartSource;
  readonly timings: StartTimings;
}

/**
 * Sessions, as the API and the gateway use them. A session of someone else is `not_found`, exactly like a missing one.
 * Every call may throw `VelocityError`; an operation that was begun outlives the call that asked for it.
 */
export interface SessionService {
  start(caller: Caller, options: StartOptions): Promise<StartOutcome>;
  get(caller: Caller, id: SessionId): Promise<SessionView>;
  list(
    caller: Caller,
    filter: {
      readonly projectId?: ProjectId;
      readonly userId?: UserId;
      readonly states?: readonly SessionState[];
    },
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<SessionView>>;
  stop(caller: Caller, id: SessionId): Promise<SessionView>;
  suspend(caller: Caller, id: SessionId, level: SuspendLevel): Promise<SessionView>;
  resume(caller: Caller, id: SessionId): Promise<SessionView>;
  restart(caller: Caller, id: SessionId, target: "server" | "container"): Promise<SessionView>;
  terminate(caller: Caller, id: SessionId): Promise<SessionView>;
  heartbeat(caller: Caller, id: SessionId): Promise<SessionView>;
  history(
    caller: Caller,
    id: SessionId,
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<HistoryEntry>>;
  /** Backlog after `afterId`, then live until the signal. */
  events(
    caller: Caller,
    id: SessionId,
    afterId: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<SessionEvent>>;
  /** What the container still has, oldest first; with `follow` then live until the signal. */
  logs(
    caller: Caller,
    id: SessionId,
    options: { readonly follow: boolean; readonly signal: AbortSignal },
  ): Promise<AsyncIterable<LogLine>>;
  exec(caller: Caller, id: SessionId, command: Exec, signal: AbortSignal): Promise<ExecResult>;
}

/** What the gateway asks: no caller, the gateway checks access itself. */
export interface SessionRouting {
  resolve(id: SessionId, options?: { readonly probeGeneration?: number }): Promise<RouteResolution>;
  /** Joins or begins the wake of a suspended session; resolves when it is live, throws when it cannot be. */
  wake(id: SessionId): Promise<void>;
  /** Page use; batched, at most one row update per session per 10 s. */
  touch(id: SessionId): void;
  /** Called after every write that may change a route. Returns the unsubscribe. */
  onRouteChange(listener: (id: SessionId) => void): () => void;
}

/** Projects and their files. A project of someone else is `not_found`. */
export interface ProjectService {
  create(caller: Caller, request: CreateProject): Promise<{ project: Project; created: boolean }>;
  get(caller: Caller, id: ProjectId): Promise<Project>;
  list(caller: Caller, page: { readonly cursor?: string; readonly limit: number }): Promise<Page<Project>>;
  rename(caller: Caller, id: ProjectId, name: string): Promise<Project>;
  /** Terminates its sessions first. */
  remove(caller: Caller, id: ProjectId): Promise<void>;
  entries(caller: Caller, id: ProjectId): Promise<readonly FileEntry[]>;
  file(caller: Caller, id: ProjectId, path: string): Promise<FileContent & { readonly version: number }>;
  /** Stores, then pushes to every live session of the project. `conflict` where `baseVersion` is behind. */
  putFiles(
    caller: Caller,
    id: ProjectId,
    change: PutFiles,
  ): Promise<{ version: number; sessionsNotified: number }>;
  /**
   * Makes the files of a tar.gz the project's files: what is not in it is deleted, all in one version. Then as `putFiles`.
   * Throws `unsafe_archive` or `validation` before anything is written, `invalid_state` for a linked directory.
   */
  importArchive(
    caller: Caller,
    id: ProjectId,
    bytes: AsyncIterable<Uint8Array>,
  ): Promise<{ version: number; sessionsNotified: number }>;
  versions(
    caller: Caller,
    id: ProjectId,
    path: string,
  ): Promise<readonly { version: number; deleted: boolean; size: number; at: Date }[]>;
  templates(): Promise<readonly Template[]>;
}

/** Ends or leaves what this process runs; see the interface's "Leaving". */
export interface Controllers {
  /** Adopts what an earlier server left, then begins the periodic passes. */
  start(): Promise<void>;
  /** `hibernate`: Ctrl-C, every session is hibernated and every container ended; `leave`: rolling restart. */
  shutdown(how: "hibernate" | "leave"): Promise<void>;
  /** One reconcile pass now; for tests and after hints. */
  reconcile(): Promise<{ readonly corrections: number }>;
}

/** Warm containers, for operators. */
export interface PoolService {
  status(): Promise<PoolStatus>;
}

export interface Core {
  readonly pool: PoolService;
  readonly sessions: SessionService;
  readonly routing: SessionRouting;
  readonly projects: ProjectService;
  readonly controllers: Controllers;
}

/** Where a container's row points, for logs and labels. */
export function containerName(installId: string, containerId: ContainerId): string {
  return `velocity-${installId.slice(0, 8)}-${containerId}`;
}
