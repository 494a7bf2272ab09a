import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { VelocityError } from "@velocity/contract";
import { type SandboxRef, sandboxProcesses } from "./sandbox-ref.ts";

const FREEZE_TIMEOUT_MS = 10_000;

/** Stops everything inside where it is, and resolves when it has stopped. Throws `driver_failed` where it would not. */
export async function freezeSandbox(ref: SandboxRef, signal: AbortSignal): Promise<void> {
  const freezer = ref.cgroup?.freezer ?? null;
  const deadline = performance.now() + FREEZE_TIMEOUT_MS;
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    if (freezer === null ? stopAll(ref) : freezeGroup(freezer)) return;
    if (performance.now() > deadline)
      throw new VelocityError("driver_failed", "The preview could not be suspended.", {
        context: { pid: ref.init?.pid },
      });
    await delay(Math.min(attempt, 10));
  }
}

/** Lets everything inside go on. */
export function thawSandbox(ref: SandboxRef): void {
  const freezer = ref.cgroup?.freezer ?? null;
  if (freezer === null) for (const { pid } of sandboxProcesses(ref)) signalProcess(pid, "SIGCONT");
  else if (freezer.version === 2) writeFileSync(join(freezer.folder, "cgroup.freeze"), "0");
  else writeFileSync(join(freezer.folder, "freezer.state"), "THAWED");
}

function freezeGroup(freezer: { readonly version: 1 | 2; readonly folder: string }): boolean {
  if (freezer.version === 2) {
    writeFileSync(join(freezer.folder, "cgroup.freeze"), "1");
    return /^frozen 1$/m.test(readFileSync(join(freezer.folder, "cgroup.events"), "utf8"));
  }
  // Written again each time: a version 1 freezer may stay half-way (FREEZING) when a process forks meanwhile.
  const state = join(freezer.folder, "freezer.state");
  writeFileSync(state, "FROZEN");
  return readFileSync(state, "utf8").trim() === "FROZEN";
}

/** True when one look found nothing that still ran; what was started between two looks is caught by the next one. */
function stopAll(ref: SandboxRef): boolean {
  const running = sandboxProcesses(ref).filter(({ state }) => !"TtZX".includes(state));
  for (const { pid } of running) signalProcess(pid, "SIGSTOP");
  return running.length === 0;
}

function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Ended between the look and the signal.
  }
}
