import type { CoreContext } from "../context.ts";
import { Superseded } from "../failure.ts";
import { filesDifference, type PreparedProject } from "../projects/project-files.ts";
import { bindFiles } from "./bind-files.ts";
import type { BroughtUp } from "./brought-up.ts";
import { runOf } from "./container-spec.ts";
import { destroyContainer } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";
import { sessionHandlers } from "./session-watch.ts";
import { settle } from "./settle.ts";

/** A warm member that is booted like this project already; only its identity and the files that differ are missing. */
export async function claimFromPool(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
): Promise<BroughtUp | null> {
  const current = op.owned.record;
  const generation = current.generation + 1;
  const begunAt = performance.now();
  const member = await core.pool.claim(prepared, current, generation);
  if (member === null) return null;
  const { row, handle, watch, files } = member;
  op.source = "pool";
  watch.handOver(sessionHandlers(core, current, handle));
  op.timings.claimMs = Math.round((performance.now() - begunAt) * 10) / 10;
  const run = runOf(prepared, current.env);
  const seq = watch.state.seq;
  try {
    await op.step("claimed");
    const [bound] = await op.phase("files", async () => {
      const named = op.owned.write({ containerId: row.id, generation });
      named.catch(() => {});
      // Beside other servers the session may have been ended meanwhile: then the member must not become its container.
      if (!core.settings.soleOrchestrator) await named;
      const difference = filesDifference(files, prepared.files);
      return Promise.all([bindFiles(core, op, handle, run, difference, generation), named]);
    });
    core.projectFiles.markSynced(row.id, prepared.project.version);
    await op.step("bound");
    const failure = await settle(core, op, watch, handle, run, bound.serverRestarted ? seq : 0);
    return { source: "pool", failure, handle, version: prepared.project.version };
  } catch (error) {
    op.signal.throwIfAborted();
    core.log.warn({ containerId: row.id, err: error }, "a pool member could not be used; starting cold");
    await destroyContainer(core, row);
    if (error instanceof Superseded) throw error;
    return null;
  }
}
