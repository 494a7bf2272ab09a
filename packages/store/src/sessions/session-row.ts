import type { HistoryEntry } from "@velocity/contract";
import type { NewSession, Operation, SessionHealth, SessionPatch, SessionRecord } from "@velocity/core";
import type { Insertable, Selectable, Updateable } from "kysely";
import { toJson } from "../database/json.ts";
import type { HistoryTable, SessionTable } from "../database/tables.ts";

/** The stored row as core knows it. */
export function toSessionRecord(row: Selectable<SessionTable>): SessionRecord {
  return {
    id: row.id,
    projectId: row.project_id,
    userId: row.user_id,
    state: row.state,
    level: row.level,
    mode: row.mode,
    tier: row.tier,
    resources: row.resources,
    visibility: row.visibility,
    env: row.env,
    generation: row.generation,
    version: row.version,
    containerId: row.container_id,
    operation: toOperation(row),
    health: {
      ...row.health,
      checkedAt: row.health.checkedAt === null ? null : new Date(row.health.checkedAt),
    },
    error: row.error,
    createdAt: row.created_at,
    lastActivityAt: row.last_activity,
    expiresAt: row.expires_at,
    suspendedAt: row.suspended_at,
    endedAt: row.ended_at,
    reconnectCount: row.reconnect_count,
    parentSessionId: row.parent_session_id,
    restoredSnapshotId: row.restored_snapshot_id,
  };
}

function toOperation(row: Selectable<SessionTable>): Operation | null {
  if (
    row.operation_kind === null ||
    row.operation_phase === null ||
    row.operation_owner === null ||
    row.operation_started_at === null ||
    row.operation_deadline_at === null
  )
    return null;
  return {
    kind: row.operation_kind,
    phase: row.operation_phase,
    owner: row.operation_owner,
    startedAt: row.operation_started_at,
    deadlineAt: row.operation_deadline_at,
  };
}

export function toSessionRow(session: NewSession): Insertable<SessionTable> {
  return {
    id: session.id,
    project_id: session.projectId,
    user_id: session.userId,
    state: session.state,
    level: session.level,
    mode: session.mode,
    tier: session.tier,
    resources: toJson(session.resources),
    visibility: session.visibility,
    env: toJson(session.env),
    generation: session.generation,
    version: 1,
    container_id: session.containerId,
    ...operationColumns(session.operation),
    health: healthColumn(session.health),
    error: errorColumn(session.error),
    created_at: session.createdAt,
    last_activity: session.lastActivityAt,
    expires_at: session.expiresAt,
    suspended_at: session.suspendedAt,
    ended_at: session.endedAt,
    reconnect_count: session.reconnectCount,
    parent_session_id: session.parentSessionId,
    restored_snapshot_id: session.restoredSnapshotId,
  };
}

/** Only the columns that the patch names; an absent (or undefined) field stays as it is. */
export function toSessionChanges(patch: SessionPatch): Updateable<SessionTable> {
  return {
    ...(patch.operation !== undefined && operationColumns(patch.operation)),
    ...(patch.generation !== undefined && { generation: patch.generation }),
    ...(patch.containerId !== undefined && { container_id: patch.containerId }),
    ...(patch.error !== undefined && { error: errorColumn(patch.error) }),
    ...(patch.health !== undefined && { health: healthColumn(patch.health) }),
    ...(patch.lastActivityAt !== undefined && { last_activity: patch.lastActivityAt }),
    ...(patch.expiresAt !== undefined && { expires_at: patch.expiresAt }),
    ...(patch.suspendedAt !== undefined && { suspended_at: patch.suspendedAt }),
    ...(patch.endedAt !== undefined && { ended_at: patch.endedAt }),
    ...(patch.reconnectCount !== undefined && { reconnect_count: patch.reconnectCount }),
    ...(patch.env !== undefined && { env: toJson(patch.env) }),
    ...(patch.visibility !== undefined && { visibility: patch.visibility }),
  };
}

function operationColumns(operation: Operation | null) {
  return {
    operation_kind: operation?.kind ?? null,
    operation_phase: operation?.phase ?? null,
    operation_owner: operation?.owner ?? null,
    operation_started_at: operation?.startedAt ?? null,
    operation_deadline_at: operation?.deadlineAt ?? null,
  };
}

function healthColumn(health: SessionHealth): string {
  return toJson({ ...health, checkedAt: health.checkedAt?.toISOString() ?? null });
}

function errorColumn(error: SessionRecord["error"]): string | null {
  return error === null ? null : toJson(error);
}

export function toHistoryEntry(row: Selectable<HistoryTable>): HistoryEntry {
  return {
    id: String(row.id),
    sessionId: row.session_id,
    at: row.at.toISOString(),
    fromState: row.from_state,
    toState: row.to_state,
    level: row.level,
    generation: row.generation,
    reason: row.reason,
    metadata: row.metadata,
  };
}
