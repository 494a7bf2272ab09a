import type { ContainerId } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { ContainerWatch, WatchHandlers } from "../events/container-watch.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import { writeBack } from "../projects/write-back.ts";
import type { SessionRecord } from "../session-record.ts";

/** Listens to a session's container: log lines, file changes, and a dev server that fails or recovers. */
export function watchSession(
  core: CoreContext,
  session: Pick<SessionRecord, "id" | "projectId">,
  handle: ContainerHandle,
): ContainerWatch {
  return core.watches.open(
    handle.containerId,
    core.driver.endpoint(handle, "control"),
    sessionHandlers(core, session, handle),
  );
}

export function sessionHandlers(
  core: CoreContext,
  session: Pick<SessionRecord, "id" | "projectId">,
  handle: ContainerHandle,
): WatchHandlers {
  return {
    onServer: () => void syncServerError(core, session.id, handle.containerId),
    onLine: (line) => core.bus.line(session.id, line),
    onFiles: (changed, deleted) => {
      void writeBack(core, session, handle, { changed, deleted });
    },
  };
}

/** The session's error follows its dev server. While an operation runs, that operation decides. */
export async function syncServerError(
  core: CoreContext,
  sessionId: SessionRecord["id"],
  containerId: ContainerId,
): Promise<void> {
  try {
    for (;;) {
      const session = core.ledger.peek(sessionId) ?? (await core.ledger.read(sessionId));
      const state = core.watches.get(containerId)?.state;
      if (session === null || state === undefined || session.containerId !== containerId) return;
      if (session.operation !== null || (session.state !== "active" && session.state !== "disconnected"))
        return;
      const error = errorAfter(state, session.error);
      if (error === session.error) return;
      const written = await core.ledger.patch(session, { error });
      if (written.kind === "stale") {
        await core.ledger.read(sessionId);
        continue;
      }
      if (error !== null)
        core.bus.lasting(sessionId, "error", { ...error, log: [...(state.error?.log ?? [])] });
      return;
    }
  } catch (error) {
    core.log.warn({ sessionId, err: error }, "the dev server's state could not be recorded");
  }
}

function errorAfter(state: ContainerWatch["state"], held: SessionRecord["error"]): SessionRecord["error"] {
  if (state.status === "listening") return null;
  if (state.status !== "failed" || state.error === null) return held;
  const { code, message } = state.error;
  return held?.code === code && held.message === message ? held : { code, message };
}
