import type { ContainerId, FileContent, SessionId } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { PreparedProject } from "./project-files.ts";

/** What a sleeping container's workspace lacks of its project. Null: nothing. */
export async function changesSince(
  core: CoreContext,
  sessionId: SessionId,
  prepared: PreparedProject,
  containerId: ContainerId,
): Promise<{ files: readonly FileContent[]; deletes: readonly string[] } | null> {
  const { project, files } = prepared;
  const known =
    core.projectFiles.synced(containerId) ?? (await recordedVersion(core, sessionId, containerId));
  if (known !== null && known >= project.version) return null;
  if (known === null) return { files, deletes: [] };
  const change = await core.store.projects.changesSince(project.id, known);
  return change.files.length + change.deletes.length === 0 ? null : change;
}

/** The version that the history says this container had when it fell asleep. */
async function recordedVersion(
  core: CoreContext,
  sessionId: SessionId,
  containerId: ContainerId,
): Promise<number | null> {
  let version: number | null = null;
  for (let cursor: string | undefined; ; ) {
    const page = await core.store.sessions.history(sessionId, { ...(cursor ? { cursor } : {}), limit: 200 });
    for (const { metadata } of page.items) {
      if (metadata.containerId !== containerId) continue;
      if (typeof metadata.projectVersion === "number") version = metadata.projectVersion;
    }
    if (page.nextCursor === null) return version;
    cursor = page.nextCursor;
  }
}
