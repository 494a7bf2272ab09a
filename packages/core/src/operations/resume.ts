import type { StartSource } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { answersAs } from "./answers-as.ts";
import { bringUp } from "./bring-up.ts";
import type { BroughtUp } from "./brought-up.ts";
import { bounded } from "./destroy-container.ts";
import { orAsleep } from "./end-asleep.ts";
import type { OperationContext } from "./operation.ts";
import { publish } from "./publish.ts";
import { watchSession } from "./session-watch.ts";

/** Wakes a suspended session. A failure never ends it: it goes back to sleep with the error, and may be tried again. */
export async function resumeSession(core: CoreContext, op: OperationContext): Promise<StartSource> {
  return orAsleep(core, op, "The session could not be resumed.", async () => {
    const up = (await thaw(core, op)) ?? (await bringUp(core, op));
    await publish(core, op, up, "resumed");
    await op.step("published");
    return up.source === "cold" || up.source === "pool" ? "resumed" : up.source;
  });
}

/** The short way out of a freeze: thaw, ask who is there, bring in what was saved meanwhile. Null: take the long way. */
async function thaw(core: CoreContext, op: OperationContext): Promise<BroughtUp | null> {
  const session = op.owned.record;
  if (session.level !== "frozen") return null;
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.ref === null || row.status !== "assigned") return null;
  const handle = { containerId: row.id, ref: row.ref };
  const reading = core.store.projects.get(session.projectId);
  reading.catch(() => {});
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
  const [project, same] = await Promise.all([reading, answersAs(core, handle, session)]);
  const saved = project?.directory === null && core.projectFiles.synced(row.id) !== project.version;
  if (project === null || saved || !same) return null;
  const watch = core.watches.get(row.id) ?? watchSession(core, session, handle);
  const { status, error } = watch.state;
  const failure = status === "failed" ? error : null;
  return { source: "resumed", failure: failure ?? held(session, status), handle, version: project.version };
}

/** A watch that was only just opened has not heard from the agent: what was known before still holds. */
function held(session: OperationContext["owned"]["record"], status: string): BroughtUp["failure"] {
  return status === "idle" && session.error !== null ? { ...session.error, log: [] } : null;
}
