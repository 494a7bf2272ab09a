import { readdirSync } from "node:fs";
import { listWithPs, type ProcessStat, readProcessStat } from "./process-identity.ts";

/** Every process of the machine that can be seen. */
export function readProcesses(): readonly ProcessStat[] {
  if (process.platform !== "linux") return listWithPs(["-A"]);
  const all: ProcessStat[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = readProcessStat(Number(name));
    if (stat !== null) all.push(stat);
  }
  return all;
}

/**
 * A process and all that descend from it. Below the init of a pid namespace this is everything in the namespace: whoever
 * loses its parent there becomes a child of that init. Without one, the root's session and group catch those.
 */
export function descendants(root: number, processes: readonly ProcessStat[]): readonly ProcessStat[] {
  const children = new Map<number, ProcessStat[]>();
  for (const process of processes) {
    const siblings = children.get(process.parent);
    if (siblings === undefined) children.set(process.parent, [process]);
    else siblings.push(process);
  }
  const found = processes.filter(({ pid, session, group }) => [pid, session, group].includes(root));
  for (let index = 0; index < found.length; index++) {
    const next = found[index];
    if (next === undefined) continue;
    for (const child of children.get(next.pid) ?? []) if (!found.includes(child)) found.push(child);
  }
  return found;
}
