import type { ContainerHandle, ContainerObservation, DriverCall } from "@velocity/core";
import { readBootId } from "@velocity/sandbox";
import { readState } from "./container-state.ts";
import { damagedObservation } from "./damaged-observation.ts";
import { type DriverContext, pathsOf } from "./driver-context.ts";
import { observeState } from "./observe-state.ts";

/** What is so right now; `gone` only where there is no record of it. */
export async function inspectContainer(
  context: DriverContext,
  handle: ContainerHandle,
  call: DriverCall,
): Promise<ContainerObservation | { status: "gone" }> {
  call.signal.throwIfAborted();
  const paths = pathsOf(context, handle);
  const found = await readState(paths.state);
  if (found.kind === "state") return observeState(found.state, readBootId());
  if (found.kind === "unreadable") return damagedObservation(context, handle.containerId);
  return { status: "gone" };
}
