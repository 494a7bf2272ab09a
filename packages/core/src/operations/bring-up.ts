import type { CoreContext } from "../context.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import type { BroughtUp } from "./brought-up.ts";
import { claimFromPool } from "./claim-from-pool.ts";
import { createCold } from "./create-cold.ts";
import { destroyContainer } from "./destroy-container.ts";
import { findContainer } from "./find-container.ts";
import type { OperationContext } from "./operation.ts";
import { revive } from "./revive.ts";

/**
 * Drives a session's container to "runs, listens and answers at its address", from wherever it is: none, created, stopped,
 * frozen or running. Every step can be repeated by whoever takes the operation over. Nothing is published here.
 */
export async function bringUp(
  core: CoreContext,
  op: OperationContext,
  early?: Promise<PreparedProject>,
): Promise<BroughtUp> {
  const { owned } = op;
  const prepared = await op.phase(
    "project",
    () => early ?? core.projectFiles.prepare(owned.record.projectId),
    { timing: "filesMs" },
  );
  await op.step("prepared");
  const found = await findContainer(core, op);
  if (found !== null) {
    const revived = await revive(core, op, prepared, found);
    if (revived !== null) return revived;
    await destroyContainer(core, found.row);
    await op.step("old_destroyed");
  }
  const claimed = await claimFromPool(core, op, prepared);
  return claimed ?? (await createCold(core, op, prepared));
}
