import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { VelocityError } from "@velocity/contract";
import { type Cgroup, cgroupProcesses, removeCgroup } from "./cgroup.ts";
import { thawSandbox } from "./freezer.ts";
import { isSameProcessAlive, readProcessStat } from "./process-identity.ts";
import { type SandboxRef, sandboxProcesses } from "./sandbox-ref.ts";

const END_TIMEOUT_MS = 15_000;

/**
 * Ends everything of a sandbox, frozen or not, and resolves when all of it is really gone, its control groups included.
 * Idempotent. Only processes that are provably the sandbox's are signalled: its init by start time, whatever the kernel
 * lists in its groups, and for an unisolated one what carries its mark. Throws `driver_failed` where something would not end.
 */
export async function endSandbox(ref: SandboxRef): Promise<void> {
  const { init, cgroup } = ref;
  const deadline = performance.now() + END_TIMEOUT_MS;
  for (let attempt = 0; ; attempt++) {
    const alive = init !== null && isSameProcessAlive(init);
    const members = cgroup === null ? [] : cgroupProcesses(cgroup).filter(isNoZombie);
    // Without groups, the children of an unisolated program have to be found while their root still lives.
    const plain =
      ref.plainMark === null
        ? []
        : sandboxProcesses(ref)
            .map(({ pid }) => pid)
            .filter(isNoZombie);
    if (!alive && members.length === 0 && plain.length === 0 && (cgroup === null || removeCgroup(cgroup)))
      return;
    for (const pid of plain) kill(pid);
    if (alive && init !== null) kill(init.pid);
    if (cgroup !== null && members.length > 0) {
      // What a launch that was cut short left outside of the namespace: the groups are its only trace.
      if (!killGroup(cgroup)) for (const pid of members) kill(pid);
      // SIGKILL reaches a process in a version 1 freezer only after the thaw.
      thawSandbox(ref);
    }
    if (performance.now() > deadline)
      throw new VelocityError("driver_failed", "Some processes of the preview would not end.", {
        context: { pid: init?.pid, members, plain },
      });
    await delay(Math.min(1 + attempt, 20));
  }
}

/** All at once, by the kernel (version 2, since Linux 5.14): nothing can be born or take a pid in between. */
function killGroup(cgroup: Cgroup): boolean {
  if (cgroup.freezer?.version !== 2) return false;
  const file = join(cgroup.freezer.folder, "cgroup.kill");
  if (!existsSync(file)) return false;
  writeFileSync(file, "1");
  return true;
}

function isNoZombie(pid: number): boolean {
  const state = readProcessStat(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
