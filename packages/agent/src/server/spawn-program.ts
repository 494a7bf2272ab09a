import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";

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
  /** Null: it could not even be tried. */
  readonly child: ChildProcess | null;
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
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: program.cwd,
      env: program.env,
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
    });
  } catch (error) {
    // An empty name, or a NUL in an argument.
    const message = notStarted(error, program);
    return {
      child: null,
      pid: null,
      startedAtMs,
      exited: Promise.resolve({ kind: "not-started", message }),
      drained: Promise.resolve(),
    };
  }
  child.stdin?.on("error", () => {});
  const exited = new Promise<ProgramExit>((resolve) => {
    child.once("error", (error) => {
      if (child.pid === undefined) resolve({ kind: "not-started", message: notStarted(error, program) });
    });
    child.once("exit", (code, signal) => resolve({ kind: "exited", code, signal }));
  });
  const drained = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return { child, pid: child.pid ?? null, startedAtMs, exited, drained };
}

function notStarted(error: unknown, { command: [file = ""], cwd }: Program): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  if (code === "ENOENT" && !existsSync(cwd)) return "The folder that it is to run in does not exist.";
  if (code === "ENOENT") return `The program "${file}" was not found.`;
  if (code === "EACCES") return `The program "${file}" may not be executed.`;
  return `The program "${file}" could not be started (${code}).`;
}
