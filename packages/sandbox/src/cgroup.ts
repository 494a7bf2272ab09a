import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { type CgroupBase, type CgroupLayout, cgroupLayoutFolders } from "./cgroup-layout.ts";

const folderSchema = z.object({ version: z.union([z.literal(1), z.literal(2)]), folder: z.string() });

/** The control groups of one sandbox; plain data, so that they can be written down and found again. */
export const cgroupSchema = z.object({
  /** All folders, each once. */
  folders: z.array(z.string()),
  freezer: folderSchema.nullable(),
  memory: folderSchema.nullable(),
  pids: folderSchema.nullable(),
  cpu: folderSchema.nullable(),
  cpuTime: folderSchema.nullable(),
});
export type Cgroup = z.infer<typeof cgroupSchema>;

export interface CgroupLimits {
  readonly cpus: number | null;
  readonly memoryBytes: number | null;
  readonly processes: number | null;
}

/** Names the groups of a sandbox: `<group>/<name>` in every hierarchy that is of use. Nothing is made yet. */
export function nameCgroup(layout: CgroupLayout, group: string, name: string): Cgroup {
  const at = (base: CgroupBase | "signals" | null) =>
    base === null || base === "signals"
      ? null
      : { version: base.version, folder: join(base.folder, group, name) };
  const named = {
    freezer: at(layout.freezer),
    memory: at(layout.memory),
    pids: at(layout.pids),
    cpu: at(layout.cpu),
    cpuTime: at(layout.cpuTime),
  };
  const folders = Object.values(named).flatMap((one) => (one === null ? [] : [one.folder]));
  return { folders: [...new Set(folders)], ...named };
}

/** Makes the groups and sets their limits; groups that exist are adopted. Throws the system's error. */
export function createCgroup(layout: CgroupLayout, cgroup: Cgroup, limits: CgroupLimits): void {
  for (const folder of cgroup.folders) {
    const parent = dirname(folder);
    if (!existsSync(parent)) mkdirSync(parent, { recursive: true });
    passControllersOn(layout, parent);
    mkdirSync(folder, { recursive: true });
  }
  const { memory, pids, cpu } = cgroup;
  if (memory !== null && limits.memoryBytes !== null) {
    const bytes = String(limits.memoryBytes);
    const [limit, swap, swapBytes] =
      memory.version === 2
        ? ["memory.max", "memory.swap.max", "0"]
        : ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", bytes];
    writeFileSync(join(memory.folder, limit), bytes);
    // Absent on kernels without swap accounting, and then there is nothing to limit.
    if (existsSync(join(memory.folder, swap))) writeFileSync(join(memory.folder, swap), swapBytes);
  }
  if (pids !== null && limits.processes !== null)
    writeFileSync(join(pids.folder, "pids.max"), String(limits.processes));
  if (cpu !== null && limits.cpus !== null) {
    const quota = String(Math.max(1000, Math.round(limits.cpus * CPU_PERIOD_US)));
    if (cpu.version === 2) writeFileSync(join(cpu.folder, "cpu.max"), `${quota} ${CPU_PERIOD_US}`);
    else {
      writeFileSync(join(cpu.folder, "cpu.cfs_period_us"), String(CPU_PERIOD_US));
      writeFileSync(join(cpu.folder, "cpu.cfs_quota_us"), quota);
    }
  }
}

const CPU_PERIOD_US = 100_000;

function passControllersOn(layout: CgroupLayout, parent: string): void {
  const wanted = (["memory", "pids", "cpu"] as const).filter((controller) => {
    const base = layout[controller];
    return base !== null && base.version === 2 && parent.startsWith(`${base.folder}/`);
  });
  if (wanted.length === 0) return;
  writeFileSync(join(parent, "cgroup.subtree_control"), wanted.map((name) => `+${name}`).join(" "));
}

/**
 * The files that a process of one thread writes `0` to in order to be in all groups of a sandbox. In version 1 that is
 * `tasks`: a thread that moves itself needs no lock there, while `cgroup.procs` waits for an RCU grace period (10–16 ms
 * measured; kernel/cgroup/cgroup.c, cgroup_procs_write_start). Version 2 cannot avoid it: see `warmCgroups`.
 */
export function cgroupFiles(cgroup: Cgroup): readonly string[] {
  const old = [cgroup.freezer, cgroup.memory, cgroup.pids, cgroup.cpu, cgroup.cpuTime].flatMap((one) =>
    one?.version === 1 ? [one.folder] : [],
  );
  return cgroup.folders.map((folder) => join(folder, old.includes(folder) ? "tasks" : "cgroup.procs"));
}

/**
 * Moves this process to where it is. Nothing changes, but the lock that every entry into a version 2 group needs is then
 * half taken for the next few milliseconds, and the entry of a sandbox that is being prepared meanwhile is quick
 * (0.3 ms instead of 10). Never throws: without it things are slower.
 */
export async function warmCgroups(layout: CgroupLayout): Promise<void> {
  if (layout.freezer === "signals" || layout.freezer.version !== 2) return;
  try {
    const path = /^0::(.*)$/m.exec(await readFile("/proc/self/cgroup", "utf8"))?.[1] ?? "/";
    if (path.includes("..")) return;
    const { folder } = layout.freezer;
    const own = folder.endsWith(path) ? folder : join(folder, path);
    await writeFile(join(own, "cgroup.procs"), String(process.pid));
  } catch {
    // Not ours to write.
  }
}

/** Pids in the sandbox's groups, by the kernel's own account; empty where there are no groups. */
export function cgroupProcesses(cgroup: Cgroup): readonly number[] {
  const found = new Set<number>();
  for (const folder of cgroup.folders) {
    for (const line of readIfThere(join(folder, "cgroup.procs")).split("\n"))
      if (line !== "") found.add(Number(line));
  }
  return [...found];
}

/** Removes the groups; false while processes are still in them. */
export function removeCgroup(cgroup: Cgroup): boolean {
  let removed = true;
  for (const folder of cgroup.folders) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if (!isMissing(error)) removed = false;
    }
  }
  return removed;
}

/** Removes the folder that the sandboxes of one installation share, where it is empty. */
export function removeCgroupParents(layout: CgroupLayout, group: string): void {
  for (const folder of cgroupLayoutFolders(layout)) {
    try {
      rmdirSync(join(folder, group));
    } catch {
      // Still in use by another sandbox, or never made.
    }
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
