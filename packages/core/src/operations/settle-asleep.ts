import type { SuspendLevel } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { SessionRecord } from "../session-record.ts";
import { bounded, handleOf } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";

/**
 * Ends an operation that failed by putting the session to sleep with its workspace, whatever its container is doing. What
 * still runs is stopped; where even that is uncertain the row says "hibernated" and the reconciler stops it later.
 */
export async function settleAsleep(
  core: CoreContext,
  op: OperationContext,
  error: SessionRecord["error"],
): Promise<void> {
  const { owned } = op;
  // Fenced before the engine is touched: what runs may be another server's by now.
  await owned.write({ error });
  const level = await quiet(core, owned.record);
  const patch = { operation: null, error, suspendedAt: core.clock.now() };
  const { state, level: before } = owned.record;
  const reason = "could not be brought up";
  const metadata = { containerId: owned.record.containerId, code: error?.code ?? null };
  if (state === "suspended" && before === level) await owned.write({ operation: null, error });
  else await owned.transition({ state: "suspended", level, reason, metadata }, patch);
  if (error !== null) core.bus.lasting(owned.record.id, "error", { ...error, log: [] });
}

async function quiet(core: CoreContext, session: SessionRecord): Promise<SuspendLevel> {
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.status === "destroyed" || row.status === "destroying") return "hibernated";
  try {
    return await bounded(core, async (signal) => {
      const handle = await handleOf(core, row, signal);
      if (handle === null) return "hibernated";
      const seen = await core.driver.inspect(handle, { signal });
      if (seen.status === "suspended") return "frozen";
      core.watches.close(row.id);
      if (seen.status === "running") await core.driver.stop(handle, { signal });
      return "hibernated";
    });
  } catch (cause) {
    core.log.warn(
      { sessionId: session.id, err: cause },
      "a container could not be stopped; the reconciler goes on",
    );
    return "hibernated";
  }
}
