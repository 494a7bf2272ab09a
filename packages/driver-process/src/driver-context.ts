import { type ContainerId, VelocityError } from "@velocity/contract";
import type { ContainerHandle, Log } from "@velocity/core";
import { type CgroupLayout, type NamespaceSupport, readBootId, type SandboxRef } from "@velocity/sandbox";
import type { UidRange } from "./allocate-uid.ts";
import { type ContainerPaths, containerPaths } from "./container-paths.ts";
import { type ContainerState, readState } from "./container-state.ts";
import type { EgressKeeper } from "./egress-keeper.ts";
import type { KeyedLock } from "./keyed-lock.ts";
import { isRunning } from "./observe-state.ts";
import type { ProcessDriverOptions } from "./process-driver-options.ts";

/** What every verb of the driver works with. Made once by `createProcessDriver`. */
export interface DriverContext {
  readonly options: ProcessDriverOptions;
  readonly log: Log;
  /** Null: no isolation. */
  readonly namespaces: NamespaceSupport | null;
  readonly cgroups: CgroupLayout;
  /** Folder of control groups that this installation's containers share. */
  readonly cgroupGroup: string;
  readonly maxProcesses: number;
  readonly locks: KeyedLock;
  readonly uids: UidRange;
  readonly egress: EgressKeeper;
  readonly etcDir: string;
  readonly seccompFile: string | null;
  /** Begins to make the next start's entry into its control groups quick. Not waited for. */
  warm(): void;
  /** Last reading of each container's CPU time. */
  readonly cpuSamples: Map<ContainerId, { readonly atMs: number; readonly cpuMs: number }>;
}

export function pathsOf(
  context: DriverContext,
  handle: Pick<ContainerHandle, "containerId">,
): ContainerPaths {
  return containerPaths(context.options, handle.containerId);
}

/** How its processes are held on to; none where the very process that was recorded runs no more. */
export function sandboxRef(context: DriverContext, state: ContainerState): SandboxRef {
  return {
    init: isRunning(state, readBootId()) ? state.process : null,
    cgroup: state.cgroup,
    plainMark: context.namespaces === null ? state.containerId : null,
  };
}

/** The state of a container that has to exist. Throws `not_found`, or `driver_failed` where it cannot be read. */
export async function requireState(
  context: DriverContext,
  handle: ContainerHandle,
): Promise<{ readonly paths: ContainerPaths; readonly state: ContainerState }> {
  const paths = pathsOf(context, handle);
  const found = await readState(paths.state);
  if (found.kind === "state" && found.state.phase !== "destroying") return { paths, state: found.state };
  if (found.kind === "unreadable")
    throw new VelocityError("driver_failed", "The preview's record is damaged; start it anew.", {
      context: { containerId: handle.containerId },
    });
  throw new VelocityError("not_found", "This preview no longer exists.", {
    context: { containerId: handle.containerId },
  });
}
