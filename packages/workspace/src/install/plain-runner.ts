import { spawn } from "node:child_process";
import type { InstallJob, InstallRunner } from "./install-runner.ts";
import { readLines } from "./line-reader.ts";

/**
 * Runs the installer as an ordinary child process: for machines without a sandbox, where everything is trusted anyway.
 * `baseEnv` is the operator's (PATH, home with the registry's settings, certificates).
 */
export function createPlainRunner(baseEnv: Readonly<Record<string, string>>): InstallRunner {
  return {
    place: (source) => source,
    run: (job) => runChild(job, baseEnv),
  };
}

function runChild(job: InstallJob, baseEnv: Readonly<Record<string, string>>): Promise<number | null> {
  job.signal.throwIfAborted();
  const [program, ...args] = job.command;
  if (program === undefined) throw new TypeError("empty command");
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: job.cwd,
      env: { ...baseEnv, ...job.env },
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
