import { randomUUID } from "node:crypto";
import { projectIdSchema, sessionIdSchema, userIdSchema } from "@velocity/contract";
import type { NewSession } from "@velocity/core";

/** An active persistent session of a project and user of its own. */
export function newSession(overrides: Partial<NewSession> = {}): NewSession {
  const unknown = { http: "unknown", process: "unknown", resources: "unknown" } as const;
  return {
    id: sessionIdSchema.parse(randomUUID()),
    projectId: projectIdSchema.parse(randomUUID()),
    userId: userIdSchema.parse(randomUUID()),
    state: "active",
    level: null,
    mode: "persistent",
    tier: "local",
    resources: { cpus: null, memoryMb: null, diskMb: null },
    visibility: "private",
    env: {},
    generation: 1,
    containerId: null,
    operation: null,
    health: { status: "unknown", checkedAt: null, checks: unknown },
    error: null,
    createdAt: new Date(),
    lastActivityAt: new Date(),
    expiresAt: null,
    suspendedAt: null,
    endedAt: null,
    reconnectCount: 0,
    parentSessionId: null,
    restoredSnapshotId: null,
    ...overrides,
  };
}
