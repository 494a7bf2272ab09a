import type { ContainerHandle, DriverCall } from "@velocity/core";
import { endSandbox, removeTree } from "@velocity/sandbox";
import type { ContainerPaths } from "./container-paths.ts";
import { type ContainerState, writeState } from "./container-state.ts";
import { type DriverContext, requireState, sandboxRef } from "./driver-context.ts";

/** Ends every process, frozen or not; the workspace stays. Resolves when nothing runs any more. */
export function stopContainer(
  context: DriverContext,
  handle: ContainerHandle,
  call: DriverCall,
): Promise<void> {
  return context.locks.run(handle.containerId, async () => {
    call.signal.throwIfAborted();
    const { paths, state } = await requireState(context, handle);
    if (state.phase === "created") return;
    await endProcesses(context, state, paths);
    if (state.phase !== "stopped")
      await writeState(paths.state, { ...state, phase: "stopped", process: null });
  });
}

/** Leaves no process, no control group, no socket. The cut is verified, never assumed. */
export async function endProcesses(
  context: DriverContext,
  state: ContainerState,
  paths: ContainerPaths,
): Promise<void> {
  await endSandbox(sandboxRef(context, state));
  await context.egress.close(state.containerId);
  await removeTree(paths.runtime);
  context.cpuSamples.delete(state.containerId);
}
