import type { Session } from "@velocity/contract";
import type { SessionView } from "@velocity/core";

/** Where sessions live. */
export interface PreviewAddress {
  readonly publicUrl: string;
  readonly previewDomain: string;
}

/** A session's stable origin: below the preview domain, with scheme and port of the public URL. */
export function sessionUrl(id: string, at: PreviewAddress): string {
  const { protocol, port } = new URL(at.publicUrl);
  const host =
    /:\d+$/.test(at.previewDomain) || port === "" ? at.previewDomain : `${at.previewDomain}:${port}`;
  return `${protocol}//${id}.${host}`;
}

/** The session as the API shows it. `previewUrl` only once the session has been published. */
export function presentSession({ session, container }: SessionView, at: PreviewAddress): Session {
  const url = sessionUrl(session.id, at);
  const published = session.state !== "pending" && session.state !== "terminated";
  return {
    id: session.id,
    projectId: session.projectId,
    userId: session.userId,
    state: session.state,
    level: session.level,
    mode: session.mode,
    tier: session.tier,
    resources: session.resources,
    url,
    previewUrl: published ? url : null,
    visibility: session.visibility,
    container:
      container === null || container.ref === null || container.status === "destroyed"
        ? null
        : {
            id: container.id,
            driver: container.driver,
            ref: container.ref,
            generation: container.generation,
          },
    createdAt: session.createdAt.toISOString(),
    lastActivityAt: session.lastActivityAt.toISOString(),
    expiresAt: iso(session.expiresAt),
    suspendedAt: iso(session.suspendedAt),
    endedAt: iso(session.endedAt),
    reconnectCount: session.reconnectCount,
    parentSessionId: session.parentSessionId,
    restoredSnapshotId: session.restoredSnapshotId,
    operation:
      session.operation === null
        ? null
        : {
            kind: session.operation.kind,
            phase: session.operation.phase,
            startedAt: session.operation.startedAt.toISOString(),
          },
    health: {
      status: session.health.status,
      checkedAt: iso(session.health.checkedAt),
      checks: { ...session.health.checks },
    },
    error: session.error === null ? null : { code: session.error.code, message: session.error.message },
  };
}

function iso(at: Date | null): string | null {
  return at === null ? null : at.toISOString();
}
