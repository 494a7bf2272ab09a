import type { ContainerHandle, ContainerStats, DriverCall } from "@velocity/core";
import { diskBytes, readBootId, sandboxUsage } from "@velocity/sandbox";
import { type DriverContext, requireState } from "./driver-context.ts";
import { isRunning } from "./observe-state.ts";

/** Use since the last call (CPU), or now. A container that does not run uses its disk only. */
export async function containerStats(
  context: DriverContext,
  handle: ContainerHandle,
  call: DriverCall,
): Promise<ContainerStats> {
  const { paths, state } = await requireState(context, handle);
  const disk = await diskBytes(paths.folder, call.signal);
  if (!isRunning(state, readBootId()) || state.process === null)
    return { cpuPercent: 0, memoryBytes: 0, diskBytes: disk, processes: 0 };
  const usage = sandboxUsage(state.process, state.cgroup);
  const atMs = performance.now();
  const before = context.cpuSamples.get(state.containerId);
  context.cpuSamples.set(state.containerId, { atMs, cpuMs: usage.cpuMs });
  const cpuPercent =
    before === undefined || atMs <= before.atMs
      ? 0
      : Math.max(0, ((usage.cpuMs - before.cpuMs) / (atMs - before.atMs)) * 100);
  return { cpuPercent, memoryBytes: usage.memoryBytes, diskBytes: disk, processes: usage.processes };
}
