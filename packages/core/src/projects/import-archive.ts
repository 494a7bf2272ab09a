import type { ProjectId } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { noProject } from "./project-access.ts";
import { filesDifference } from "./project-files.ts";
import { saveFiles } from "./save-files.ts";

/**
 * Makes the files of an archive the files of a stored project. The archive is read whole first: a bad entry at its end
 * writes nothing. Only what differs is written, so that a dev server sees no changes that are none.
 */
export async function importArchive(
  core: CoreContext,
  id: ProjectId,
  bytes: AsyncIterable<Uint8Array>,
): Promise<{ version: number; sessionsNotified: number }> {
  const files = await core.archives.read(bytes);
  return saveFiles(core, id, async () => {
    const project = await core.store.projects.get(id);
    if (project === null) throw noProject();
    const difference = filesDifference(await core.store.projects.files(id), files);
    return { ...difference, baseVersion: project.version };
  });
}
