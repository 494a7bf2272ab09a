import type { RunSpec } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { ContainerWatch } from "../events/container-watch.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import { awaitServer } from "./await-server.ts";
import type { ProjectFailure } from "./dependencies.ts";
import type { OperationContext } from "./operation.ts";
import { probeIdentity, probeReady } from "./probe-route.ts";

/** Waits for the dev server while the route is already asked who is behind it; then asks the app itself. */
export async function settle(
  core: CoreContext,
  op: OperationContext,
  watch: ContainerWatch,
  handle: ContainerHandle,
  run: RunSpec,
  afterSeq: number,
): Promise<ProjectFailure | null> {
  const identity = probeIdentity(core, op, {
    containerId: handle.containerId,
    generation: op.owned.record.generation,
  });
  identity.catch(() => {});
  // Whichever fails first ends the wait: an agent that never answers must not be waited for until the deadline.
  const failure = await Promise.race([
    awaitServer(core, op, watch, run, afterSeq),
    identity.then(() => new Promise<never>(() => {})),
  ]);
  await op.step("listening");
  await op.phase(
    "probe",
    async () => {
      await identity;
      if (failure === null) await probeReady(core, op, run);
    },
    { timing: "probeMs" },
  );
  await op.step("probed");
  return failure;
}
