import { readdir, stat, truncate } from "node:fs/promises";
import { containerIdSchema } from "@velocity/contract";
import { diskBytes, sandboxUsage } from "@velocity/sandbox";
import { containersDir } from "./container-paths.ts";
import { readState, writeState } from "./container-state.ts";
import { type DriverContext, pathsOf, sandboxRef } from "./driver-context.ts";
import { endProcesses } from "./stop.ts";

const MIB = 1024 ** 2;
/** What a container may print before the oldest of it is dropped. */
const MAX_OUTPUT_BYTES = 8 * MIB;

/** Looks at running containers, over and over, and ends those beyond a limit that the kernel does not hold. */
export interface LimitWatch {
  close(): Promise<void>;
}

export function watchLimits(context: DriverContext, intervalMs: number): LimitWatch {
  const ending = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let pass = Promise.resolve();
  const again = () => {
    timer = setTimeout(() => {
      pass = checkAll(context, ending.signal)
        .catch((error: unknown) => {
          if (!ending.signal.aborted) context.log.warn({ err: error }, "limits could not be checked");
        })
        .finally(() => {
          if (!ending.signal.aborted) again();
        });
    }, intervalMs);
    timer.unref();
  };
  again();
  return {
    async close() {
      ending.abort();
      clearTimeout(timer);
      await pass;
    },
  };
}

async function checkAll(context: DriverContext, signal: AbortSignal): Promise<void> {
  for (const name of await readdir(containersDir(context.options.dataDir))) {
    signal.throwIfAborted();
    const id = containerIdSchema.safeParse(name);
    if (!id.success || id.data !== name) continue;
    const paths = pathsOf(context, { containerId: id.data });
    const found = await readState(paths.state);
    if (found.kind !== "state" || found.state.phase !== "running") continue;
    const { state } = found;
    const ref = sandboxRef(context, state);
    if (ref.init === null) continue;
    // Open for appending: what is printed next goes to the new end.
    const output = await stat(paths.output).catch(() => null);
    if (output !== null && output.size > MAX_OUTPUT_BYTES) await truncate(paths.output, 0);
    const { memoryMb, diskMb } = state.resources;
    const watched = memoryMb !== null && context.cgroups.memory === null;
    const memory = watched ? sandboxUsage(ref).memoryBytes : 0;
    const disk = diskMb === null ? 0 : await diskBytes(paths.folder, signal);
    const beyond =
      watched && memory > memoryMb * MIB ? "memory" : diskMb !== null && disk > diskMb * MIB ? "disk" : null;
    if (beyond === null) continue;
    context.log.warn({ containerId: id.data, limit: beyond, memory, disk }, "container ended at its limit");
    await context.locks.run(id.data, async () => {
      const now = await readState(paths.state);
      if (now.kind !== "state" || now.state.process?.startTime !== state.process?.startTime) return;
      await endProcesses(context, now.state, paths);
      await writeState(paths.state, { ...now.state, phase: "stopped", process: null });
    });
  }
}
