import { isSafePath } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { bounded } from "../operations/destroy-container.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import type { SessionRecord } from "../session-record.ts";
import { pushToSessions } from "./push-to-sessions.ts";

/** What tools write and nobody edits. */
const GENERATED =
  /(^|\/)(dist|build|out|coverage|\.next|\.nuxt|\.output|\.svelte-kit|\.astro|\.expo|\.vite|\.turbo|\.cache)\/|\.tsbuildinfo$|(^|\/)\.DS_Store$|~$|\.swp$/;
const MAX_FILES = 500;

/**
 * A file was edited inside a container: it comes back to the project, and goes on to the project's other sessions. For a
 * linked directory the edit is there already and is only told. What is equal to what is stored changes nothing.
 */
export async function writeBack(
  core: CoreContext,
  session: Pick<SessionRecord, "id" | "projectId">,
  handle: ContainerHandle,
  seen: { readonly changed: readonly string[]; readonly deleted: readonly string[] },
): Promise<void> {
  const isSource = (path: string) => isSafePath(path) && !GENERATED.test(path);
  const changed = seen.changed.filter(isSource).slice(0, MAX_FILES);
  const deleted = seen.deleted.filter(isSource).slice(0, MAX_FILES);
  if (changed.length + deleted.length === 0) return;
  try {
    const project = await core.store.projects.get(session.projectId);
    if (project === null) return;
    if (project.directory !== null) {
      core.bus.emit(session.id, "file", { version: project.version, changed, deleted });
      return;
    }
    await core.projectFiles.inOrder(project.id, () => store(core, session, handle, { changed, deleted }));
  } catch (error) {
    core.log.warn(
      { sessionId: session.id, err: error },
      "an edit inside a container could not be brought back",
    );
  }
}

async function store(
  core: CoreContext,
  session: Pick<SessionRecord, "id" | "projectId">,
  handle: ContainerHandle,
  seen: { readonly changed: readonly string[]; readonly deleted: readonly string[] },
): Promise<void> {
  const { agent, store } = core;
  const at = core.driver.endpoint(handle, "control");
  const files = [];
  const deletes = [];
  for (const path of [...seen.changed, ...seen.deleted]) {
    const stored = await store.projects.file(session.projectId, path);
    // What a container really holds decides, not what an event said about an earlier moment.
    const readFile = agent.readFile?.bind(agent);
    if (readFile === undefined) return;
    const inside = await bounded(core, (signal) => readFile(at, path, signal), 5_000);
    if (inside === null) {
      if (stored !== null) deletes.push(path);
    } else if (stored === null || stored.content !== inside.content || stored.encoding !== inside.encoding) {
      files.push(inside);
    }
  }
  if (files.length + deletes.length === 0) return;
  const applied = await store.projects.apply(session.projectId, { files, deletes }, core.clock.now());
  if (applied.kind !== "applied") return;
  core.projectFiles.markSynced(handle.containerId, applied.version);
  await pushToSessions(core, session.projectId, { files, deletes }, applied.version, handle.containerId);
  core.replanAfter(session.projectId, [...files.map((file) => file.path), ...deletes]);
}
