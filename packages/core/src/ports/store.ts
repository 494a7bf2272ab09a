import type {
  ContainerId,
  FileContent,
  FileEntry,
  HistoryEntry,
  InstallId,
  Page,
  Project,
  ProjectId,
  SessionEvent,
  SessionId,
  SessionState,
  UserId,
} from "@velocity/contract";
import type { ContainerRecord, SessionRecord } from "../session-record.ts";

/** A write guarded by a version either happened or met someone else's write. */
export type Cas<T> = { readonly kind: "written"; readonly record: T } | { readonly kind: "stale" };

export type NewSession = Omit<SessionRecord, "version">;
/** Fields of a session that a write may change; state and level only through `transition`. */
export type SessionPatch = Partial<
  Pick<
    SessionRecord,
    | "operation"
    | "generation"
    | "containerId"
    | "error"
    | "health"
    | "lastActivityAt"
    | "expiresAt"
    | "suspendedAt"
    | "endedAt"
    | "reconnectCount"
    | "env"
    | "visibility"
  >
>;

export interface SessionStore {
  /** `exists`: the (project, user) already has a live persistent session; it is returned. Writes the first history row. */
  insert(
    session: NewSession,
    reason: string,
  ): Promise<{ kind: "created" | "exists"; session: SessionRecord }>;
  get(id: SessionId): Promise<SessionRecord | null>;
  /** The live sessions of a (project, user), newest activity first. */
  findLive(projectId: ProjectId, userId: UserId): Promise<readonly SessionRecord[]>;
  list(
    filter: {
      readonly projectId?: ProjectId;
      readonly userId?: UserId;
      readonly states?: readonly SessionState[];
    },
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<SessionRecord>>;
  /** Rows with an operation past its deadline, or with one owned by nobody alive. */
  findOverdue(now: Date): Promise<readonly SessionRecord[]>;
  /** Compare-and-set without a change of state. */
  patch(id: SessionId, version: number, patch: SessionPatch): Promise<Cas<SessionRecord>>;
  /**
   * Compare-and-set of state (or level), with its history row and its event in the same transaction.
   * Callers go through core's `transition`, which checks the move first.
   */
  transition(
    id: SessionId,
    version: number,
    to: {
      readonly state: SessionState;
      readonly level: SessionRecord["level"];
      readonly reason: string;
      readonly metadata?: Record<string, unknown>;
    },
    patch: SessionPatch,
  ): Promise<Cas<SessionRecord>>;
  history(
    id: SessionId,
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<HistoryEntry>>;
  /** Last activity only, batched by the caller; does not bump the version. */
  touch(ids: readonly SessionId[], at: Date): Promise<void>;
}

export type NewContainer = Omit<ContainerRecord, "version">;
export type ContainerPatch = Partial<
  Pick<ContainerRecord, "ref" | "status" | "sessionId" | "projectId" | "generation" | "claimedAt">
>;

export interface ContainerStore {
  insert(container: NewContainer): Promise<ContainerRecord>;
  get(id: ContainerId): Promise<ContainerRecord | null>;
  /** Everything not yet destroyed. */
  listLive(): Promise<readonly ContainerRecord[]>;
  countByPoolKey(): Promise<ReadonlyMap<string, { available: number; creating: number }>>;
  patch(id: ContainerId, version: number, patch: ContainerPatch): Promise<Cas<ContainerRecord>>;
  /** Takes one available member for a session, in one compare-and-set; null: none left. */
  claim(
    poolKey: string,
    to: { sessionId: SessionId; projectId: ProjectId; generation: number; at: Date },
  ): Promise<ContainerRecord | null>;
}

/** Projects and their versioned files. */
export interface ProjectStore {
  /** With its first files in the same transaction. `exists`: that id is taken; the existing project is returned. */
  create(
    project: Omit<Project, "version" | "createdAt" | "updatedAt">,
    files: readonly FileContent[],
    at: Date,
  ): Promise<{ kind: "created" | "exists"; project: Project }>;
  get(id: ProjectId): Promise<Project | null>;
  findByDirectory(directory: string, ownerId: UserId): Promise<Project | null>;
  list(
    filter: { readonly ownerId?: UserId },
    page: { readonly cursor?: string; readonly limit: number },
  ): Promise<Page<Project>>;
  rename(id: ProjectId, name: string, at: Date): Promise<Project | null>;
  remove(id: ProjectId): Promise<boolean>;
  files(id: ProjectId): Promise<readonly FileContent[]>;
  entries(id: ProjectId): Promise<readonly FileEntry[]>;
  file(id: ProjectId, path: string): Promise<(FileContent & { version: number }) | null>;
  versions(
    id: ProjectId,
    path: string,
  ): Promise<readonly { version: number; deleted: boolean; size: number; at: Date }[]>;
  /**
   * What differs between that version and now, by path; paths that came and went again may be among the deletes. Nothing
   * for a version that is not older, or a missing project.
   */
  changesSince(
    id: ProjectId,
    version: number,
  ): Promise<{ readonly files: readonly FileContent[]; readonly deletes: readonly string[] }>;
  /** All or nothing. `conflict`: one of these paths changed after `baseVersion`. */
  apply(
    id: ProjectId,
    change: {
      readonly files: readonly FileContent[];
      readonly deletes: readonly string[];
      readonly baseVersion?: number;
    },
    at: Date,
  ): Promise<
    { kind: "applied"; version: number } | { kind: "conflict"; version: number } | { kind: "missing" }
  >;
}

export interface EventStore {
  /** Events of a session after `afterId` (exclusive), oldest first. State events are written by `transition`. */
  append(sessionId: SessionId, event: Omit<SessionEvent, "id">): Promise<SessionEvent>;
  after(sessionId: SessionId, afterId: string | null, limit: number): Promise<readonly SessionEvent[]>;
}

/** Answers kept for `Idempotency-Key`. */
export interface IdempotencyStore {
  /** `fresh`: go on, then `complete`; `busy`: the first request is still running; `done`: repeat this answer. `mismatch`: same key, other request. */
  begin(
    key: string,
    userId: UserId,
    fingerprint: string,
    at: Date,
  ): Promise<
    | { kind: "fresh" }
    | { kind: "busy" }
    | { kind: "mismatch" }
    | { kind: "done"; status: number; body: string }
  >;
  complete(key: string, userId: UserId, status: number, body: string): Promise<void>;
  abandon(key: string, userId: UserId): Promise<void>;
}

export interface Store {
  readonly sessions: SessionStore;
  readonly containers: ContainerStore;
  readonly projects: ProjectStore;
  readonly events: EventStore;
  readonly idempotency: IdempotencyStore;
  /** Made once and kept in the database: tells this installation's containers from others'. */
  installId(): Promise<InstallId>;
  /** Throws `database_unavailable`. */
  ping(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
