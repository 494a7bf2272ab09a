import type { NewSession } from "../ports/store.ts";

/** A session that was only just asked for: no container, no generation, no operation yet. */
export function newSession(
  wanted: Pick<
    NewSession,
    "id" | "projectId" | "userId" | "mode" | "tier" | "resources" | "visibility" | "env"
  >,
  now: Date,
): Omit<NewSession, "operation"> {
  return {
    ...wanted,
    state: "pending",
    level: null,
    generation: 0,
    containerId: null,
    health: {
      status: "unknown",
      checkedAt: null,
      checks: { http: "unknown", process: "unknown", resources: "unknown" },
    },
    error: null,
    createdAt: now,
    lastActivityAt: now,
    expiresAt: null,
    suspendedAt: null,
    endedAt: null,
    reconnectCount: 0,
    parentSessionId: null,
    restoredSnapshotId: null,
  };
}
