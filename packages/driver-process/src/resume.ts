import { VelocityError } from "@velocity/contract";
import type { ContainerHandle, DriverCall } from "@velocity/core";
import { readBootId, thawSandbox } from "@velocity/sandbox";
import { writeState } from "./container-state.ts";
import { type DriverContext, requireState, sandboxRef } from "./driver-context.ts";
import { statusOf } from "./observe-state.ts";

/** Lets a suspended container go on. Throws `invalid_state` where its processes are gone. */
export function resumeContainer(
  context: DriverContext,
  handle: ContainerHandle,
  call: DriverCall,
): Promise<void> {
  return context.locks.run(handle.containerId, async () => {
    call.signal.throwIfAborted();
    const { paths, state } = await requireState(context, handle);
    const status = statusOf(state, readBootId());
    if (status === "running") return;
    if (status !== "suspended")
      throw new VelocityError("invalid_state", "The preview is not suspended.", { context: { status } });
    thawSandbox(sandboxRef(context, state));
    await writeState(paths.state, { ...state, phase: "running" });
  });
}
