import type {
  ContainerId,
  HealthStatus,
  OperationKind,
  Phase,
  ProjectId,
  Resources,
  SessionId,
  SessionState,
  SnapshotId,
  SuspendLevel,
  Tier,
  UserId,
  Visibility,
} from "@velocity/contract";

/** What is under way, who does it, and until when. Past `deadlineAt` anyone may repair it. */
export interface Operation {
  readonly kind: OperationKind;
  readonly phase: Phase;
  /** Orchestrator process that holds it. */
  readonly owner: string;
  readonly startedAt: Date;
  readonly deadlineAt: Date;
}

export interface SessionHealth {
  readonly status: HealthStatus;
  readonly checkedAt: Date | null;
  readonly checks: {
    readonly http: HealthStatus;
    readonly process: HealthStatus;
    readonly resources: HealthStatus;
  };
}

/** A session as stored. `version` grows with every write, `generation` with every container (and every boot of one). */
export interface SessionRecord {
  readonly id: SessionId;
  readonly projectId: ProjectId;
  readonly userId: UserId;
  readonly state: SessionState;
  readonly level: SuspendLevel | null;
  readonly mode: "persistent" | "ephemeral";
  readonly tier: Tier;
  readonly resources: Resources;
  readonly visibility: Visibility;
  readonly env: Readonly<Record<string, string>>;
  readonly generation: number;
  readonly version: number;
  readonly containerId: ContainerId | null;
  readonly operation: Operation | null;
  readonly health: SessionHealth;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly createdAt: Date;
  readonly lastActivityAt: Date;
  readonly expiresAt: Date | null;
  readonly suspendedAt: Date | null;
  readonly endedAt: Date | null;
  readonly reconnectCount: number;
  readonly parentSessionId: SessionId | null;
  readonly restoredSnapshotId: SnapshotId | null;
}

export type ContainerRowStatus =
  | "creating"
  | "available"
  | "assigned"
  | "maintenance"
  | "destroying"
  | "destroyed";

/** A container as stored, whatever its status; the row is written before the engine is asked. */
export interface ContainerRecord {
  readonly id: ContainerId;
  readonly driver: string;
  /** The engine's own name or id; null until the engine answered. */
  readonly ref: string | null;
  readonly status: ContainerRowStatus;
  readonly sessionId: SessionId | null;
  readonly projectId: ProjectId | null;
  readonly generation: number;
  /** Null for containers made for one session. */
  readonly poolKey: string | null;
  readonly tier: Tier;
  readonly createdAt: Date;
  readonly claimedAt: Date | null;
  readonly version: number;
}
