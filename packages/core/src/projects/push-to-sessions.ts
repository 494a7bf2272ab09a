import type { ContainerId, FileContent, ProjectId } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { bounded } from "../operations/destroy-container.ts";
import type { SessionRecord } from "../session-record.ts";

const PUSH_MS = 10_000;

/**
 * Brings a stored change into every awake container of the project and tells their viewers. Sleeping ones get it when
 * they wake. Returns how many containers took it. `except` made the change itself.
 */
export async function pushToSessions(
  core: CoreContext,
  projectId: ProjectId,
  change: { readonly files: readonly FileContent[]; readonly deletes: readonly string[] },
  version: number,
  except: ContainerId | null,
): Promise<number> {
  const live = await liveSessions(core, projectId);
  const pushed = await Promise.all(
    live.map(async (session) => {
      const took = session.containerId === except || (await pushTo(core, session, change, version));
      core.bus.emit(session.id, "file", {
        version,
        changed: change.files.map((file) => file.path),
        deleted: [...change.deletes],
      });
      return took && session.containerId !== except;
    }),
  );
  return pushed.filter(Boolean).length;
}

/** Every session of a project that is not over. */
export async function liveSessions(core: CoreContext, projectId: ProjectId): Promise<SessionRecord[]> {
  const sessions: SessionRecord[] = [];
  const states = ["pending", "active", "disconnected", "suspended"] as const;
  for (let cursor: string | undefined; ; ) {
    const page = await core.store.sessions.list(
      { projectId, states },
      { ...(cursor === undefined ? {} : { cursor }), limit: 200 },
    );
    sessions.push(...page.items);
    if (page.nextCursor === null) return sessions;
    cursor = page.nextCursor;
  }
}

async function pushTo(
  core: CoreContext,
  session: SessionRecord,
  change: { readonly files: readonly FileContent[]; readonly deletes: readonly string[] },
  version: number,
): Promise<boolean> {
  if (session.state === "suspended") return false;
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.ref === null || row.status !== "assigned") return false;
  const handle = { containerId: row.id, ref: row.ref };
  const before = core.projectFiles.synced(row.id);
  try {
    await bounded(
      core,
      (signal) =>
        core.agent.applyFiles(
          core.driver.endpoint(handle, "control"),
          { files: [...change.files], deletes: [...change.deletes] },
          signal,
        ),
      PUSH_MS,
    );
    // A container that missed an earlier change still misses it: it stays behind, and catches up when it wakes.
    if (before !== null && before >= version - 1) core.projectFiles.markSynced(row.id, version);
    return true;
  } catch (error) {
    core.log.warn({ sessionId: session.id, err: error }, "a saved file did not reach a container");
    return false;
  }
}
