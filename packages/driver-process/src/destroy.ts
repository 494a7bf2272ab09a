import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { ContainerHandle, DriverCall } from "@velocity/core";
import { endSandbox, nameCgroup, removeTree } from "@velocity/sandbox";
import { containersDir, shortId } from "./container-paths.ts";
import { readState, writeState } from "./container-state.ts";
import { trashName } from "./draft-folder.ts";
import { type DriverContext, pathsOf } from "./driver-context.ts";
import { endProcesses } from "./stop.ts";

/**
 * Leaves nothing: no process, control group, socket or folder. Missing is fine; what a crash left of an id is removed, too.
 * Until the folder has lost its name, the container is listed.
 */
export function destroyContainer(
  context: DriverContext,
  handle: ContainerHandle,
  call: DriverCall,
): Promise<void> {
  return context.locks.run(handle.containerId, async () => {
    call.signal.throwIfAborted();
    const paths = pathsOf(context, handle);
    const found = await readState(paths.state);
    if (found.kind === "state") {
      await writeState(paths.state, { ...found.state, phase: "destroying" });
      await endProcesses(context, found.state, paths);
    } else {
      await endSandbox({
        init: null,
        cgroup: nameCgroup(context.cgroups, context.cgroupGroup, shortId(handle.containerId)),
        plainMark: context.namespaces === null ? handle.containerId : null,
      });
      await context.egress.close(handle.containerId);
      await removeTree(paths.runtime);
    }
    const trash = join(containersDir(context.options.dataDir), trashName(handle.containerId, Date.now()));
    try {
      await rename(paths.folder, trash);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return;
      throw error;
    }
    await removeTree(trash);
    const owner = found.kind === "state" ? found.state.owner : null;
    if (owner?.dedicated === true) await context.uids.release(owner.uid, handle.containerId);
  });
}
