import type {
  ContainerId,
  EventType,
  InstallId,
  OperationKind,
  Phase,
  ProjectId,
  ProjectSource,
  Resources,
  SessionId,
  SessionState,
  SnapshotId,
  SuspendLevel,
  Tier,
  UserId,
  Visibility,
} from "@velocity/contract";
import type { ContainerRowStatus, SessionHealth } from "@velocity/core";
import type { ColumnType, Generated } from "kysely";

/** A jsonb column: comes out parsed, goes in as text made by `toJson`. */
type Json<T> = ColumnType<T, string, string>;
/** An identity column. `pg` gives int8 as a string, PGlite as a number or bigint. */
type Identity = ColumnType<string | number | bigint, never, never>;

/** Times inside jsonb are ISO strings. */
export type StoredHealth = Omit<SessionHealth, "checkedAt"> & { readonly checkedAt: string | null };

export interface InstallationTable {
  readonly singleton: Generated<boolean>;
  readonly id: InstallId;
}

export interface ProjectTable {
  readonly id: ProjectId;
  readonly name: string;
  readonly owner_id: UserId;
  readonly source: ProjectSource;
  readonly template: string | null;
  readonly directory: string | null;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** One version of one file: in force from `version` until `superseded_by`. */
export interface ProjectFileTable {
  readonly project_id: ProjectId;
  readonly path: string;
  readonly version: number;
  /** Project version that replaced this row; null: current. */
  readonly superseded_by: number | null;
  readonly deleted: boolean;
  readonly encoding: "utf8" | "base64";
  readonly size: number;
  readonly sha256: Uint8Array;
  readonly content: Uint8Array;
  readonly created_at: Date;
}

export interface SessionTable {
  readonly id: SessionId;
  readonly project_id: ProjectId;
  readonly user_id: UserId;
  readonly state: SessionState;
  readonly level: SuspendLevel | null;
  readonly mode: "persistent" | "ephemeral";
  readonly tier: Tier;
  readonly resources: Json<Resources>;
  readonly visibility: Visibility;
  readonly env: Json<Record<string, string>>;
  readonly generation: number;
  readonly version: number;
  readonly container_id: ContainerId | null;
  readonly operation_kind: OperationKind | null;
  readonly operation_phase: Phase | null;
  readonly operation_owner: string | null;
  readonly operation_started_at: Date | null;
  readonly operation_deadline_at: Date | null;
  readonly health: Json<StoredHealth>;
  readonly error: ColumnType<{ code: string; message: string } | null, string | null, string | null>;
  readonly created_at: Date;
  readonly last_activity: Date;
  readonly expires_at: Date | null;
  readonly suspended_at: Date | null;
  readonly ended_at: Date | null;
  readonly reconnect_count: number;
  readonly parent_session_id: SessionId | null;
  readonly restored_snapshot_id: SnapshotId | null;
}

export interface HistoryTable {
  readonly id: Identity;
  readonly session_id: SessionId;
  readonly at: Date;
  readonly from_state: SessionState | null;
  readonly to_state: SessionState;
  readonly level: SuspendLevel | null;
  readonly generation: number;
  readonly reason: string;
  readonly metadata: Json<Record<string, unknown>>;
}

export interface ContainerTable {
  readonly id: ContainerId;
  readonly driver: string;
  readonly ref: string | null;
  readonly status: ContainerRowStatus;
  readonly session_id: SessionId | null;
  readonly project_id: ProjectId | null;
  readonly generation: number;
  readonly pool_key: string | null;
  readonly tier: Tier;
  readonly created_at: Date;
  readonly claimed_at: Date | null;
  readonly version: number;
}

export interface EventTable {
  readonly id: Identity;
  readonly session_id: SessionId;
  readonly type: EventType;
  readonly at: Date;
  readonly data: Json<Record<string, unknown>>;
}

export interface IdempotencyTable {
  readonly user_id: UserId;
  readonly key: string;
  readonly fingerprint: string;
  readonly status: number | null;
  readonly body: string | null;
  readonly created_at: Date;
}

export interface LeaseTable {
  readonly name: string;
  readonly owner: string;
  readonly expires_at: Date;
}

export interface MigrationTable {
  readonly name: string;
  readonly applied_at: Generated<Date>;
}

/** Every table, as Kysely sees it. Check constraints of the migrations keep the narrow types true. */
export interface Tables {
  readonly installation: InstallationTable;
  readonly projects: ProjectTable;
  readonly project_files: ProjectFileTable;
  readonly preview_sessions: SessionTable;
  readonly session_state_history: HistoryTable;
  readonly container_pool: ContainerTable;
  readonly events: EventTable;
  readonly idempotency_keys: IdempotencyTable;
  readonly leases: LeaseTable;
  readonly velocity_migrations: MigrationTable;
}
