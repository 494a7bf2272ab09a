import { setTimeout as delay } from "node:timers/promises";
import { VelocityError } from "@velocity/contract";
import { type Cgroup, cgroupProcesses, removeCgroup } from "./cgroup.ts";
import { thawSandbox } from "./freezer.ts";
import { isSameProcessAlive, type ProcessIdentity, readProcessStat } from "./process-identity.ts";
import { descendants, readProcesses } from "./process-tree.ts";

const END_TIMEOUT_MS = 15_000;

/**
 * Ends everything of a sandbox, frozen or not, and resolves when all of it is really gone, its control groups included.
 * Idempotent. Only processes that are provably the sandbox's are signalled: its init by start time, and whatever the
 * kernel lists in its groups. Throws `driver_failed` where something would not end.
 */
export async function endSandbox(init: ProcessIdentity | null, cgroup: Cgroup | null): Promise<void> {
  const deadline = performance.now() + END_TIMEOUT_MS;
  for (let attempt = 0; ; attempt++) {
    const alive = init !== null && isSameProcessAlive(init);
    const members = cgroup === null ? [] : cgroupProcesses(cgroup);
    if (!alive && members.length === 0 && (cgroup === null || removeCgroup(cgroup))) return;
    if (alive && init !== null) {
      // Without groups and namespaces the rest has to be found while its root still lives.
      if (cgroup?.freezer == null)
        for (const { pid } of descendants(init.pid, readProcesses())) if (pid !== init.pid) kill(pid);
      kill(init.pid);
    }
    // What a launch that was cut short left outside of the namespace: the groups are its only trace.
    else for (const pid of members) if (readProcessStat(pid)?.state !== "Z") kill(pid);
    // SIGKILL reaches a process in a version 1 freezer, or a stopped one's children, only after the thaw.
    if (cgroup !== null && members.length > 0) thawSandbox(init, cgroup);
    if (performance.now() > deadline)
      throw new VelocityError("driver_failed", "Some processes of the preview would not end.", {
        context: { pid: init?.pid, members },
      });
    await delay(Math.min(1 + attempt, 20));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
