import { realpath } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { type Exec, type ExecResult, VelocityError } from "@velocity/contract";
import { ProcessTree } from "../server/process-tree.ts";
import { spawnProgram } from "../server/spawn-program.ts";

const DEFAULT_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const DRAIN_MS = 300;
const EXIT_NOT_STARTED = 127;

export interface ExecOptions {
  readonly workspace: string;
  readonly environment: (own: Record<string, string>, cwd: string) => Record<string, string>;
  readonly signal: AbortSignal;
}

/** Runs one command to its end, its timeout or the signal, and leaves none of its processes behind. */
export async function runExec(exec: Exec, options: ExecOptions): Promise<ExecResult> {
  const root = await realpath(options.workspace);
  const cwd = await realpath(resolve(root, exec.cwd ?? ".")).catch((cause: unknown) => {
    throw new VelocityError("validation", `There is no folder "${exec.cwd}".`, { cause });
  });
  if (cwd !== root && relative(root, cwd).startsWith("..")) {
    throw new VelocityError("validation", "The folder is not inside the project.");
  }
  const program = spawnProgram({
    command: exec.command,
    cwd,
    env: options.environment(exec.env ?? {}, cwd),
  });
  program.child?.stdin?.end();
  const stdout = new CappedOutput();
  const stderr = new CappedOutput();
  program.child?.stdout?.on("data", (chunk: Buffer) => stdout.add(chunk));
  program.child?.stderr?.on("data", (chunk: Buffer) => stderr.add(chunk));
  const tree = program.pid === null ? null : new ProcessTree(program.pid);
  const timeoutMs = exec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), options.signal]);
  const ended = await Promise.race([program.exited, aborted(limit)]);
  await tree?.end(0);
  await Promise.race([program.drained, new Promise((done) => setTimeout(done, DRAIN_MS))]);
  const truncated = stdout.truncated || stderr.truncated;
  const result = { stdout: stdout.text(), stderr: stderr.text(), truncated };
  if (ended === "aborted") {
    return { ...result, exitCode: null, stderr: `${result.stderr}Ended after ${timeoutMs} ms.\n` };
  }
  if (ended.kind === "not-started") {
    return { ...result, exitCode: EXIT_NOT_STARTED, stderr: `${ended.message}\n` };
  }
  return { ...result, exitCode: ended.code };
}

function aborted(signal: AbortSignal): Promise<"aborted"> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve("aborted");
    signal.addEventListener("abort", () => resolve("aborted"), { once: true });
  });
}

class CappedOutput {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  truncated = false;

  add(chunk: Buffer): void {
    const room = MAX_OUTPUT_BYTES - this.#bytes;
    if (chunk.length > room) this.truncated = true;
    if (room <= 0) return;
    const kept = chunk.subarray(0, room);
    this.#chunks.push(kept);
    this.#bytes += kept.length;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString("utf8");
  }
}
