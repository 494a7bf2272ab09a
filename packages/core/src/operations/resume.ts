import type { StartSource } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { Leaving, Superseded, toFailure } from "../failure.ts";
import { answersAs, type BroughtUp, bringUp } from "./bring-up.ts";
import { bounded } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";
import { publish } from "./publish.ts";
import { watchSession } from "./session-watch.ts";
import { settleAsleep } from "./settle-asleep.ts";

/** Wakes a suspended session. A failure never ends it: it goes back to sleep with the error, and may be tried again. */
export async function resumeSession(core: CoreContext, op: OperationContext): Promise<StartSource> {
  try {
    const up = (await thaw(core, op)) ?? (await bringUp(core, op));
    await publish(core, op, up, "resumed");
    await op.step("published");
    return up.source === "cold" || up.source === "pool" ? "resumed" : up.source;
  } catch (error) {
    const reason: unknown = op.signal.aborted ? op.signal.reason : error;
    if (reason instanceof Superseded || reason instanceof Leaving || error instanceof Superseded)
      throw reason;
    const failure = toFailure(reason, "start_failed", "The session could not be resumed.");
    await settleAsleep(core, op, { code: failure.code, message: failure.publicMessage });
    throw failure;
  }
}

/** The short way out of a freeze: thaw, ask who is there, bring in what was saved meanwhile. Null: take the long way. */
async function thaw(core: CoreContext, op: OperationContext): Promise<BroughtUp | null> {
  const session = op.owned.record;
  if (session.level !== "frozen") return null;
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.ref === null || row.status !== "assigned") return null;
  const handle = { containerId: row.id, ref: row.ref };
  const project = await core.store.projects.get(session.projectId);
  if (
    project === null ||
    (project.directory === null && core.projectFiles.synced(row.id) !== project.version)
  ) {
    return null;
  }
  try {
    await op.phase("container", async () => {
      await bounded(core, (signal) => core.driver.resume(handle, { signal }), 20_000, op.signal);
    });
    await op.step("thawed");
  } catch (error) {
    op.signal.throwIfAborted();
    core.log.warn({ sessionId: session.id, err: error }, "a frozen container did not thaw");
    return null;
  }
  if (!(await answersAs(core, handle, session))) return null;
  const watch = core.watches.get(row.id) ?? watchSession(core, session, handle);
  const { status, error } = watch.state;
  const failure = status === "failed" ? error : null;
  return { source: "resumed", failure: failure ?? held(session, status), handle, version: project.version };
}

/** A watch that was only just opened has not heard from the agent: what was known before still holds. */
function held(session: OperationContext["owned"]["record"], status: string): BroughtUp["failure"] {
  return status === "idle" && session.error !== null ? { ...session.error, log: [] } : null;
}
