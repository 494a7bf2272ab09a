import type { ContainerHandle, ContainerStats, DriverCall } from "@velocity/core";
import { diskBytes, sandboxUsage } from "@velocity/sandbox";
import { type DriverContext, requireState, sandboxRef } from "./driver-context.ts";

/** Use since the last call (CPU), or now. A container that does not run uses its disk only. */
export async function containerStats(
  context: DriverContext,
  handle: ContainerHandle,
  call: DriverCall,
): Promise<ContainerStats> {
  const { paths, state } = await requireState(context, handle);
  const disk = await diskBytes(paths.folder, call.signal);
  const ref = sandboxRef(context, state);
  if (ref.init === null) return { cpuPercent: 0, memoryBytes: 0, diskBytes: disk, processes: 0 };
  const usage = sandboxUsage(ref);
  const atMs = performance.now();
  const before = context.cpuSamples.get(state.containerId);
  context.cpuSamples.set(state.containerId, { atMs, cpuMs: usage.cpuMs });
  const cpuPercent =
    before === undefined || atMs <= before.atMs
      ? 0
      : Math.max(0, ((usage.cpuMs - before.cpuMs) / (atMs - before.atMs)) * 100);
  return { cpuPercent, memoryBytes: usage.memoryBytes, diskBytes: disk, processes: usage.processes };
}
