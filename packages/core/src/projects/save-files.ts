import { type FileContent, type ProjectId, VelocityError } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { noProject } from "./project-access.ts";
import { pushToSessions } from "./push-to-sessions.ts";

export interface FileChange {
  readonly files: readonly FileContent[];
  readonly deletes: readonly string[];
  readonly baseVersion?: number | undefined;
}

/**
 * Stores a change in one version, brings it into the live sessions, and looks again at how the project runs where it may
 * matter. `decide` is asked in the project's turn: no other writer of this process comes between. Throws `conflict`.
 */
export async function saveFiles(
  core: CoreContext,
  id: ProjectId,
  decide: () => Promise<FileChange>,
): Promise<{ version: number; sessionsNotified: number }> {
  const { change, ...done } = await core.projectFiles.inOrder(id, async () => {
    const { baseVersion, ...change } = await decide();
    const applied = await core.store.projects.apply(
      id,
      baseVersion === undefined ? change : { ...change, baseVersion },
      core.clock.now(),
    );
    if (applied.kind === "missing") throw noProject();
    if (applied.kind === "conflict") {
      throw new VelocityError(
        "conflict",
        `The files changed meanwhile; they are at version ${applied.version}.`,
      );
    }
    const { version } = applied;
    return { change, version, sessionsNotified: await pushToSessions(core, id, change, version, null) };
  });
  core.replanAfter(id, [...change.files.map((file) => file.path), ...change.deletes]);
  return done;
}
