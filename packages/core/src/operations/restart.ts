import type { CoreContext } from "../context.ts";
import { awaitServer } from "./await-server.ts";
import { bringUp } from "./bring-up.ts";
import { runOf } from "./container-spec.ts";
import { bounded, handleOf } from "./destroy-container.ts";
import { orAsleep } from "./end-asleep.ts";
import type { OperationContext } from "./operation.ts";
import { publish } from "./publish.ts";
import { watchSession } from "./session-watch.ts";

/** Ends the dev server and starts it again in the same container, with the run that the project's files ask for now. */
export async function restartServer(core: CoreContext, op: OperationContext): Promise<void> {
  return orAsleep(core, op, "The dev server could not be restarted.", async () => {
    const up = (await again(core, op)) ?? (await bringUp(core, op));
    await publish(core, op, up, "restarted");
    await op.step("published");
  });
}

async function again(core: CoreContext, op: OperationContext) {
  const session = op.owned.record;
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.status !== "assigned") return null;
  const handle = await bounded(core, (signal) => handleOf(core, row, signal), 20_000, op.signal);
  if (handle === null) return null;
  const prepared = await core.projectFiles.prepare(session.projectId);
  const run = runOf(prepared, session.env);
  const watch = core.watches.get(row.id) ?? watchSession(core, session, handle);
  const seq = watch.state.seq;
  const at = core.driver.endpoint(handle, "control");
  const { id: sessionId, projectId, generation } = session;
  try {
    // A changed command or environment restarts the server by itself; the same one is restarted by request.
    const bound = await bounded(
      core,
      (signal) =>
        core.agent.bind(at, { sessionId, projectId, generation, run, files: [], deletes: [] }, signal),
      20_000,
      op.signal,
    );
    if (!bound.serverRestarted) {
      await bounded(core, (signal) => core.agent.restart(at, signal), 20_000, op.signal);
    }
  } catch (error) {
    op.signal.throwIfAborted();
    core.log.warn(
      { sessionId, err: error },
      "the agent did not restart its server; bringing the container up",
    );
    return null;
  }
  await op.step("restarted");
  const failure = await awaitServer(core, op, watch, run, seq);
  return { source: "resumed" as const, failure, handle, version: prepared.project.version };
}
