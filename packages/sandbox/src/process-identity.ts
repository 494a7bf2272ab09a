import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Names one process for good. A pid alone names nothing: it is given again to another process. The start time (clock
 * ticks since boot, field 22 of `/proc/<pid>/stat`) and the boot make it unique.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
  readonly bootId: string;
}

/** What one line of `/proc/<pid>/stat` says. */
export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** User and system time, in clock ticks. */
  readonly cpuTicks: number;
  readonly startTime: string;
  readonly residentPages: number;
}

/** Changes with every boot of the machine; empty where the system does not tell. */
export function readBootId(): string {
  return readText("/proc/sys/kernel/random/boot_id")?.trim() ?? "";
}

/** Null where no process has this pid. */
export function readProcessStat(pid: number): ProcessStat | null {
  if (process.platform !== "linux") return listWithPs(["-p", String(pid)])[0] ?? null;
  const text = readText(`/proc/${pid}/stat`);
  return text === null ? null : parseProcessStat(text);
}

/** The command name is in parentheses and may itself contain spaces and parentheses: fields start after the last one. */
export function parseProcessStat(text: string): ProcessStat | null {
  const end = text.lastIndexOf(")");
  const pid = Number.parseInt(text, 10);
  if (end < 0 || !Number.isInteger(pid)) return null;
  const fields = text.slice(end + 2).split(" ");
  const [state, parent, group, session] = fields;
  const startTime = fields[19];
  if (state === undefined || startTime === undefined) return null;
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    cpuTicks: Number(fields[11]) + Number(fields[12]),
    startTime,
    residentPages: Number(fields[21]),
  };
}

/** Null where the process is already gone. */
export function identifyProcess(pid: number): ProcessIdentity | null {
  const stat = readProcessStat(pid);
  return stat === null ? null : { pid, startTime: stat.startTime, bootId: readBootId() };
}

/** Whether exactly this process still runs. A zombie does not: it only waits to be reaped. */
export function isSameProcessAlive(identity: ProcessIdentity, bootId = readBootId()): boolean {
  if (identity.bootId !== bootId) return false;
  const stat = readProcessStat(identity.pid);
  return stat !== null && stat.startTime === identity.startTime && stat.state !== "Z" && stat.state !== "X";
}

/** For systems without `/proc`. The start time has a resolution of one second there. */
export function listWithPs(selection: readonly string[]): readonly ProcessStat[] {
  let text: string;
  try {
    const columns = "pid=,ppid=,pgid=,state=,rss=,lstart=";
    text = execFileSync("ps", [...selection, "-o", columns], { encoding: "utf8", timeout: 10_000 });
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    const [pid, parent, group, state, rss, ...start] = line.trim().split(/\s+/);
    if (pid === undefined || state === undefined || start.length === 0) return [];
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(group),
      state: state.charAt(0),
      cpuTicks: 0,
      startTime: start.join(" "),
      residentPages: Math.ceil((Number(rss) * 1024) / PAGE_BYTES),
    };
  });
}

/** Of what the kernel counts memory in; larger pages only make the watchdog's figure too small. */
export const PAGE_BYTES = 4096;

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
