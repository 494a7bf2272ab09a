import type { CoreContext } from "../context.ts";
import type { OperationContext } from "./operation.ts";
import { destroyAll } from "./start.ts";

/** Ends a session for good: unrouted by the operation on its row, destroyed, confirmed absent, and only then marked. */
export async function terminateSession(
  core: CoreContext,
  op: OperationContext,
  reason: string,
): Promise<void> {
  const { owned } = op;
  if (owned.record.containerId !== null) core.watches.close(owned.record.containerId);
  await op.step("before_destroy");
  await op.phase("destroy", () => destroyAll(core, owned.record.id));
  await op.step("destroyed");
  await owned.transition(
    { state: "terminated", level: null, reason },
    { operation: null, containerId: null, endedAt: core.clock.now() },
  );
  await op.step("terminated");
}
