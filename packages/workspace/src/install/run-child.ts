import { spawn } from "node:child_process";
import { readLines } from "./line-reader.ts";

export interface ChildJob {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/**
 * Runs a program to its end, with its lines as they come. An abort kills its process group; only when all that held its
 * output has gone does the promise reject with the signal's reason.
 */
export function runChild(job: ChildJob): Promise<number | null> {
  job.signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(job.file, job.args, {
      cwd: job.cwd,
      env: job.env,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: installers have children.
      detached: true,
    });
    readLines(child.stdout, job.onLine);
    readLines(child.stderr, job.onLine);
    const onAbort = () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // Gone already.
      }
    };
    job.signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error) => {
      job.signal.removeEventListener("abort", onAbort);
      reject(error);
    });
    child.once("close", (code) => {
      job.signal.removeEventListener("abort", onAbort);
      if (job.signal.aborted) reject(job.signal.reason);
      else resolve(code);
    });
  });
}
