import { VelocityError } from "@velocity/contract";
import type { ContainerHandle, DriverCall } from "@velocity/core";
import { freezeSandbox, readBootId, thawSandbox } from "@velocity/sandbox";
import { writeState } from "./container-state.ts";
import { type DriverContext, requireState, sandboxRef } from "./driver-context.ts";
import { statusOf } from "./observe-state.ts";

/**
 * Stops every process where it is. The record is written first: after a crash in between, adoption freezes what is
 * recorded as suspended. Throws `invalid_state` where nothing runs.
 */
export function suspendContainer(
  context: DriverContext,
  handle: ContainerHandle,
  call: DriverCall,
): Promise<void> {
  return context.locks.run(handle.containerId, async () => {
    call.signal.throwIfAborted();
    const { paths, state } = await requireState(context, handle);
    const status = statusOf(state, readBootId());
    if (status === "suspended") return;
    if (status !== "running")
      throw new VelocityError("invalid_state", "The preview does not run.", { context: { status } });
    const ref = sandboxRef(context, state);
    await writeState(paths.state, { ...state, phase: "suspended" });
    try {
      await freezeSandbox(ref, call.signal);
    } catch (error) {
      thawSandbox(ref);
      await writeState(paths.state, state);
      throw error;
    }
  });
}
