import type { Cgroup } from "./cgroup.ts";
import { markedProcesses } from "./launch-leftovers.ts";
import { isSameProcessAlive, type ProcessIdentity, type ProcessStat } from "./process-identity.ts";
import { descendants, readProcesses } from "./process-tree.ts";

/** How a running sandbox is held on to. */
export interface SandboxRef {
  /** Null where it never ran, or is known to be gone. */
  readonly init: ProcessIdentity | null;
  readonly cgroup: Cgroup | null;
  /** Id of an unisolated launch: its processes are known by a mark; null: everything is below the init of a namespace. */
  readonly plainMark: string | null;
}

/** Everything of a sandbox that can be found by looking at processes, without control groups. */
export function sandboxProcesses(ref: SandboxRef): readonly ProcessStat[] {
  const all = readProcesses();
  const below = ref.init !== null && isSameProcessAlive(ref.init) ? descendants(ref.init.pid, all) : [];
  if (ref.plainMark === null) return below;
  const known = new Set([...below.map(({ pid }) => pid), ...markedProcesses(ref.plainMark)]);
  return all.filter(({ pid }) => known.has(pid));
}
