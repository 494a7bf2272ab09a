import type { CoreContext } from "../context.ts";
import { expiryOf } from "../lifecycle/expiry.ts";
import type { SessionPatch } from "../ports/store.ts";
import type { SessionRecord } from "../session-record.ts";
import type { BroughtUp } from "./brought-up.ts";
import type { OperationContext } from "./operation.ts";
import { syncServerError } from "./session-watch.ts";

/** Makes a session that answers public, in one compare-and-set; the route is announced with the write. */
export async function publish(
  core: CoreContext,
  op: OperationContext,
  up: BroughtUp,
  reason: string,
): Promise<SessionRecord> {
  const now = core.clock.now();
  const { owned } = op;
  const before = owned.record;
  const error = up.failure === null ? null : { code: up.failure.code, message: up.failure.message };
  const http = error === null ? "healthy" : "unhealthy";
  const patch: SessionPatch = {
    operation: null,
    error,
    lastActivityAt: now,
    expiresAt: expiryOf({ tier: before.tier, lastActivityAt: now, expiresAt: null }, core.settings),
    suspendedAt: null,
    health: {
      status: http,
      checkedAt: now,
      checks: { http, process: "healthy", resources: "unknown" },
    },
    ...(before.state === "pending" ? {} : { reconnectCount: before.reconnectCount + 1 }),
  };
  const session = await op.phase("publish", () =>
    before.state === "active"
      ? owned.write(patch)
      : owned.transition(
          {
            state: "active",
            level: null,
            reason,
            metadata: {
              source: up.source,
              containerId: up.handle.containerId,
              projectVersion: up.version,
              timings: op.timings,
            },
          },
          patch,
        ),
  );
  if (up.failure !== null) core.bus.lasting(session.id, "error", { ...error, log: [...up.failure.log] });
  else if (before.state !== "pending") core.bus.emit(session.id, "reconnected", { source: up.source });
  void syncServerError(core, session.id, up.handle.containerId);
  return session;
}
