import type { CoreContext } from "../context.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import { answersAs } from "./answers-as.ts";
import { bindFiles, pendingChanges } from "./bind-files.ts";
import type { BroughtUp } from "./brought-up.ts";
import { DEPENDENCIES_LABEL, runOf } from "./container-spec.ts";
import { dependenciesPhase, failureOf, runFor } from "./dependencies.ts";
import { bounded, ENGINE_MS } from "./destroy-container.ts";
import type { Found } from "./find-container.ts";
import type { OperationContext } from "./operation.ts";
import { watchSession } from "./session-watch.ts";
import { settle } from "./settle.ts";

/** Brings a container that is there back to life. Null: it cannot be used as it is and has to be made anew from the project's files. */
export async function revive(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
  found: Found,
): Promise<BroughtUp | null> {
  const { handle, seen } = found;
  const dependencies = prepared.plan.dependencies?.key ?? "";
  if ((seen.labels[DEPENDENCIES_LABEL] ?? dependencies) !== dependencies) return null;
  if (seen.status === "suspended") {
    await bounded(core, (signal) => core.driver.resume(handle, { signal }), ENGINE_MS, op.signal);
    await op.step("thawed");
  }
  if (seen.status === "suspended" || seen.status === "running") {
    const same = await answersAs(core, handle, op.owned.record);
    if (same) return keepRunning(core, op, prepared, found);
    await bounded(core, (signal) => core.driver.stop(handle, { signal }), ENGINE_MS, op.signal);
    await op.step("stopped");
  }
  return bootAgain(core, op, prepared, found);
}

/** It runs and is who it should be: only what changed meanwhile is brought in. */
async function keepRunning(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
  { handle }: Found,
): Promise<BroughtUp> {
  const session = op.owned.record;
  const watch = core.watches.get(handle.containerId) ?? watchSession(core, session, handle);
  const run = runOf(prepared, session.env);
  const changed = await pendingChanges(core, session.id, prepared, handle);
  // Bound in any case: whoever began this may have died before the dev server was told to run.
  await bindFiles(core, op, handle, run, changed ?? { files: [], deletes: [] });
  core.projectFiles.markSynced(handle.containerId, prepared.project.version);
  const failure = await settle(core, op, watch, handle, run, 0);
  return { source: "resumed", failure, handle, version: prepared.project.version };
}

/** Its processes are gone, its workspace is not: a new generation boots on it. */
async function bootAgain(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
  { handle, row }: Found,
): Promise<BroughtUp> {
  const session = await op.owned.write({ generation: op.owned.record.generation + 1 });
  const dependencies = await dependenciesPhase(core, op, prepared);
  // Its layers were mounted when it was made; where they cannot be had now, it is made anew and says so.
  const run = runFor(prepared, session.env, dependencies);
  const changed = await pendingChanges(core, session.id, prepared, handle);
  const identity = {
    containerId: handle.containerId,
    sessionId: session.id,
    projectId: session.projectId,
    generation: session.generation,
  };
  const updated = await core.ledger.patchContainer(row, { generation: session.generation });
  await op.step("before_boot");
  const watch = await op.phase(
    "container",
    async () => {
      // With files to write first, the dev server starts only once they are there.
      const boot = { identity, run: changed === null ? run : null };
      core.watches.close(handle.containerId);
      await bounded(core, (signal) => core.driver.start(handle, boot, { signal }), ENGINE_MS, op.signal);
      return watchSession(core, session, { containerId: updated.id, ref: handle.ref });
    },
    { timing: "claimMs" },
  );
  await op.step("after_boot");
  if (changed !== null) await bindFiles(core, op, handle, run, changed);
  core.projectFiles.markSynced(handle.containerId, prepared.project.version);
  const failure = await settle(core, op, watch, handle, run, 0);
  return {
    source: "resumed",
    failure: failureOf(dependencies) ?? failure,
    handle,
    version: prepared.project.version,
  };
}
