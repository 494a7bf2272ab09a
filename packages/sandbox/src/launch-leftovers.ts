import { readFileSync } from "node:fs";
import { readProcesses } from "./process-tree.ts";

/**
 * Ends what a launch left that was cut short before its init was known: processes whose command line is that of
 * bubblewrap for this sandbox. (A program inside may write such a command line of its own; then it has asked to be ended.)
 */
export async function endLaunchLeftovers(sandboxId: string): Promise<void> {
  if (process.platform !== "linux") return;
  const mark = `\0--setenv\0VELOCITY_SANDBOX\0${sandboxId}\0`;
  for (const { pid } of readProcesses()) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(mark)) process.kill(pid, "SIGKILL");
    } catch {
      // Gone, or not ours to end.
    }
  }
}

/**
 * Processes of an unisolated launch, by the mark in their environment: also those that left its session and lost their
 * parent. What clears its environment as well escapes; that is what isolation is for.
 */
export function markedProcesses(id: string): readonly number[] {
  if (process.platform !== "linux") return [];
  const mark = `VELOCITY_SANDBOX=${id}\0`;
  return readProcesses().flatMap(({ pid }) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").includes(mark) ? [pid] : [];
    } catch {
      return [];
    }
  });
}
