import { type ChildProcess, spawn } from "node:child_process";

export interface Program {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Record<string, string>;
}

export type ProgramExit =
  | { readonly kind: "exited"; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: "not-started"; readonly message: string };

/** A program in a session of its own. `exited` settles once, and never rejects. */
export interface RunningProgram {
  readonly child: ChildProcess;
  readonly pid: number | null;
  readonly startedAtMs: number;
  readonly exited: Promise<ProgramExit>;
  /** All output was read. Comes after `exited`, and never while something else still holds the pipes. */
  readonly drained: Promise<void>;
}

/**
 * Starts a program as leader of its own session and process group. Its input is a pipe that stays open: programs that
 * stop when their input ends (`esbuild --watch`, Tailwind, Vite) go on.
 */
export function spawnProgram(program: Program): RunningProgram {
  const [file = "", ...args] = program.command;
  const startedAtMs = Date.now();
  const child = spawn(file, args, {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin?.on("error", () => {});
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve({ kind: "not-started", message: notStarted(error, file) });
    });
    child.once("exit", (code, signal) => resolve({ kind: "exited", code, signal }));
  });
  const drained = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return { child, pid: child.pid ?? null, startedAtMs, exited, drained };
}

function notStarted(error: NodeJS.ErrnoException, file: string): string {
  if (error.code === "ENOENT") return `The program "${file}" was not found.`;
  if (error.code === "EACCES") return `The program "${file}" may not be executed.`;
  return `The program "${file}" could not be started (${error.code ?? "unknown error"}).`;
}
