import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Cgroup, cgroupProcesses } from "./cgroup.ts";
import { PAGE_BYTES } from "./process-identity.ts";
import { type SandboxRef, sandboxProcesses } from "./sandbox-ref.ts";
import { findProgram } from "./sandbox-tools.ts";

export interface SandboxUsage {
  /** CPU time of everything inside since it was started. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
  readonly processes: number;
}

/** Linux counts CPU time of processes in hundredths of a second, whatever the kernel's own tick. */
const MS_PER_TICK = 10;

/** What a sandbox uses, by the kernel's account where there are groups, else added up over its processes. */
export function sandboxUsage(ref: SandboxRef): SandboxUsage {
  const { cgroup } = ref;
  const cpuMs = cgroup === null ? null : groupCpuMs(cgroup);
  const memoryBytes = cgroup === null ? null : groupMemoryBytes(cgroup);
  const members = cgroup === null ? 0 : cgroupProcesses(cgroup).length;
  if (cpuMs !== null && memoryBytes !== null && members > 0)
    return { cpuMs, memoryBytes, processes: members };
  const inside = sandboxProcesses(ref);
  return {
    cpuMs: cpuMs ?? inside.reduce((sum, { cpuTicks }) => sum + cpuTicks * MS_PER_TICK, 0),
    memoryBytes:
      memoryBytes ?? inside.reduce((sum, { residentPages }) => sum + residentPages * PAGE_BYTES, 0),
    processes: members > 0 ? members : inside.length,
  };
}

function groupCpuMs({ cpuTime }: Cgroup): number | null {
  if (cpuTime === null) return null;
  if (cpuTime.version === 2) {
    const usec = /^usage_usec (\d+)$/m.exec(read(join(cpuTime.folder, "cpu.stat")))?.[1];
    return usec === undefined ? null : Number(usec) / 1000;
  }
  const nanoseconds = read(join(cpuTime.folder, "cpuacct.usage")).trim();
  return nanoseconds === "" ? null : Number(nanoseconds) / 1e6;
}

/** Without what the kernel would give back at once: file pages that nobody used lately. */
function groupMemoryBytes({ memory }: Cgroup): number | null {
  if (memory === null) return null;
  const [total, idle] =
    memory.version === 2
      ? ["memory.current", /^inactive_file (\d+)$/m]
      : (["memory.usage_in_bytes", /^total_inactive_file (\d+)$/m] as const);
  const used = read(join(memory.folder, total)).trim();
  if (used === "") return null;
  return Math.max(0, Number(used) - Number(idle.exec(read(join(memory.folder, "memory.stat")))?.[1] ?? 0));
}

const run = promisify(execFile);

/** Space that a folder takes on its own file system; links are not followed. */
export async function diskBytes(folder: string, signal: AbortSignal): Promise<number> {
  const du = findProgram("du");
  if (du === null) return 0;
  // Files that come and go meanwhile make it complain, and still answer.
  const { stdout } = await run(du, ["-s", "-k", "-x", "--", folder], { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    return { stdout: error instanceof Error && "stdout" in error ? String(error.stdout) : "" };
  });
  return Number.parseInt(stdout, 10) * 1024 || 0;
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
