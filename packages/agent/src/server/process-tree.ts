import { readdirSync, readFileSync } from "node:fs";

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
}

/** Reads `pid (name) state ppid pgrp session …` of proc(5); the name may hold spaces and parentheses. */
export function parseStat(pid: number, stat: string): ProcessRow | null {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const parent = Number(fields[1]);
  const session = Number(fields[3]);
  // A zombie holds nothing and cannot be ended twice.
  if (fields[0] === "Z" || fields[0] === "X" || !Number.isInteger(parent) || !Number.isInteger(session))
    return null;
  return { pid, parent, session };
}

/** Every process that descends from `root` or shares a session with one that does. Pure. */
export function treeOf(rows: readonly ProcessRow[], root: number): number[] {
  const pids = new Set<number>([root]);
  const sessions = new Set<number>([root]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const row of rows) {
      if (pids.has(row.pid) || !(pids.has(row.parent) || sessions.has(row.session))) continue;
      pids.add(row.pid);
      // A session started inside the tree belongs to it; the one that the agent is in does not.
      if (row.session === row.pid) sessions.add(row.session);
      grew = true;
    }
  }
  return rows.filter((row) => pids.has(row.pid)).map((row) => row.pid);
}

/** All processes that can be seen; empty where there is no /proc. */
export function readProcesses(): ProcessRow[] {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return [];
  }
  const rows: ProcessRow[] = [];
  for (const name of names) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const row = parseStat(pid, readFileSync(`/proc/${pid}/stat`, "latin1"));
      if (row !== null) rows.push(row);
    } catch {
      // Ended between the two reads.
    }
  }
  return rows;
}

const POLL_MS = 10;

/** A process tree by its first process, which leads a session of its own. Remembers members, so that orphans stay known. */
export class ProcessTree {
  readonly #root: number;
  readonly #seen = new Set<number>();
  readonly #sessions = new Set<number>();

  constructor(root: number) {
    this.#root = root;
    this.#sessions.add(root);
  }

  /** Pids alive now. Where there is no /proc only the group is known, and this is the root alone. */
  members(): number[] {
    const rows = readProcesses();
    const alive = new Map(rows.map((row) => [row.pid, row]));
    const found = new Set(treeOf(rows, this.#root));
    for (const pid of this.#seen) {
      const row = alive.get(pid);
      // A pid may have been given away again: it counts only while its session is one of ours.
      if (row !== undefined && this.#sessions.has(row.session)) {
        for (const below of treeOf(rows, pid)) found.add(below);
      } else if (row === undefined) this.#seen.delete(pid);
    }
    for (const pid of found) {
      this.#seen.add(pid);
      const session = alive.get(pid)?.session;
      if (session !== undefined && found.has(session)) this.#sessions.add(session);
    }
    return [...found];
  }

  /** Ends all of it: politely, and after `graceMs` for certain. Resolves when no process is left. */
  async end(graceMs: number): Promise<void> {
    let left = this.members();
    if (graceMs > 0) {
      this.#signal(left, "SIGTERM");
      const deadline = performance.now() + graceMs;
      while (left.length > 0 && performance.now() < deadline) {
        await pause(POLL_MS);
        left = this.members();
      }
    }
    while (left.length > 0 || groupExists(this.#root)) {
      this.#signal(left, "SIGKILL");
      await pause(POLL_MS);
      left = this.members();
      if (left.length === 0) break;
    }
  }

  #signal(pids: readonly number[], signal: NodeJS.Signals): void {
    for (const target of [-this.#root, ...pids]) {
      try {
        process.kill(target, signal);
      } catch {
        // Already gone.
      }
    }
  }
}

function groupExists(root: number): boolean {
  try {
    process.kill(-root, 0);
    return true;
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
