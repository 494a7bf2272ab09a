import { type RunSpec, type SessionId, VelocityError } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import { changesSince } from "../projects/changes-since.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import { bounded, ENGINE_MS } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";

/** Tells the agent whose it is, how to run, and what its workspace lacks. Throws where it has another session. */
export async function bindFiles(
  core: CoreContext,
  op: OperationContext,
  handle: ContainerHandle,
  run: RunSpec,
  change: { files: PreparedProject["files"]; deletes: readonly string[] },
  generation = op.owned.record.generation,
): Promise<{ serverRestarted: boolean }> {
  const { id: sessionId, projectId } = op.owned.record;
  const bound = await bounded(
    core,
    (signal) =>
      core.agent.bind(
        core.driver.endpoint(handle, "control"),
        { sessionId, projectId, generation, run, files: [...change.files], deletes: [...change.deletes] },
        signal,
      ),
    ENGINE_MS,
    op.signal,
  );
  if (bound.identity.sessionId !== sessionId || bound.identity.generation !== generation) {
    throw new VelocityError("start_failed", "The container did not take its session.", {
      context: { ...bound },
    });
  }
  return bound;
}

/** What a workspace lacks of its project; null: nothing, or it is the directory itself. */
export async function pendingChanges(
  core: CoreContext,
  sessionId: SessionId,
  prepared: PreparedProject,
  handle: ContainerHandle,
): Promise<{ files: PreparedProject["files"]; deletes: readonly string[] } | null> {
  if (prepared.linked !== null) return null;
  return changesSince(core, sessionId, prepared, handle.containerId);
}
