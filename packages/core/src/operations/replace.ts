import type { CoreContext } from "../context.ts";
import { bringUp } from "./bring-up.ts";
import type { BroughtUp } from "./brought-up.ts";
import { orAsleep } from "./end-asleep.ts";
import type { OperationContext } from "./operation.ts";
import { publish } from "./publish.ts";
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
  return orAsleep(core, op, "The container could not be replaced.", async () => {
    if (options.fresh) {
      await op.phase("destroy", () => destroyAll(core, op.owned.record.id));
      await op.step("old_destroyed");
      await op.owned.write({ containerId: null });
    }
    const up = await bringUp(core, op);
    await publish(core, op, up, options.reason);
    await op.step("published");
    return up;
  });
}
