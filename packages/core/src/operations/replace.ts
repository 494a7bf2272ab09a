import type { CoreContext } from "../context.ts";
import { Leaving, Superseded, toFailure } from "../failure.ts";
import { type BroughtUp, bringUp } from "./bring-up.ts";
import type { OperationContext } from "./operation.ts";
import { publish } from "./publish.ts";
import { settleAsleep } from "./settle-asleep.ts";
import { destroyAll } from "./start.ts";

/**
 * Brings a session's container back. `fresh`: a new one is made from the project's files, the old one is destroyed first
 * (two would be two writers); otherwise what is left of the old one is used. A failure leaves the session asleep.
 */
export async function replaceContainer(
  core: CoreContext,
  op: OperationContext,
  options: { readonly fresh: boolean; readonly reason: string },
): Promise<BroughtUp> {
  try {
    if (options.fresh) {
      await op.phase("destroy", () => destroyAll(core, op.owned.record.id));
      await op.step("old_destroyed");
      await op.owned.write({ containerId: null });
    }
    const up = await bringUp(core, op);
    await publish(core, op, up, options.reason);
    await op.step("published");
    return up;
  } catch (error) {
    const reason: unknown = op.signal.aborted ? op.signal.reason : error;
    if (reason instanceof Superseded || reason instanceof Leaving || error instanceof Superseded)
      throw reason;
    const failure = toFailure(reason, "start_failed", "The container could not be replaced.");
    await settleAsleep(core, op, { code: failure.code, message: failure.publicMessage });
    throw failure;
  }
}
