import { spawn } from "node:child_process";
import { readLines } from "../install/line-reader.ts";

export interface BoundedJob {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly maxOutputBytes: number;
  readonly signal: AbortSignal;
}

export type BoundedEnd =
  | {
      readonly kind: "ended";
      readonly code: number | null;
      readonly output: Buffer;
      readonly log: readonly string[];
    }
  /** It was ended, because it wrote more than it may. */
  | { readonly kind: "overflow" };

const LOG_LINES = 50;

/**
 * Runs a program to its end and gives its bytes, and the last lines of its errors. An abort kills its process group; only
 * when all that held its output has gone does the promise reject with the signal's reason.
 */
export function runBounded(job: BoundedJob): Promise<BoundedEnd> {
  job.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(job.file, job.args, {
      cwd: job.cwd,
      env: job.env,
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const end = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    };
    const log: string[] = [];
    const output: Buffer[] = [];
    let bytes = 0;
    readLines(child.stderr, (line) => {
      log.push(line);
      if (log.length > LOG_LINES) log.shift();
    });
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= job.maxOutputBytes) output.push(chunk);
      else {
        output.length = 0;
        end();
      }
    });
    // It may end without reading all of its input.
    child.stdin.on("error", () => {});
    child.stdin.end(job.input);
    job.signal.addEventListener("abort", end, { once: true });
    child.once("error", (error) => {
      job.signal.removeEventListener("abort", end);
      reject(error);
    });
    child.once("close", (code) => {
      job.signal.removeEventListener("abort", end);
      if (job.signal.aborted) reject(job.signal.reason);
      else if (bytes > job.maxOutputBytes) resolve({ kind: "overflow" });
      else resolve({ kind: "ended", code, output: Buffer.concat(output), log });
    });
  });
}
