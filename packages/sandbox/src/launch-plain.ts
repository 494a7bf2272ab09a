import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { VelocityError } from "@velocity/contract";
import type { LaunchedSandbox } from "./launch-sandbox.ts";
import { identifyProcess } from "./process-identity.ts";

export interface PlainSpec {
  /** Marks its processes, by their environment. */
  readonly id: string;
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly cgroupFiles: readonly string[];
}

/**
 * Starts a program without any isolation, in a session of its own, so that it does not end with this process. For trusted
 * code on machines without namespaces.
 */
export async function launchPlain(
  spec: PlainSpec,
  outputFile: string,
  signal: AbortSignal,
): Promise<LaunchedSandbox> {
  signal.throwIfAborted();
  const { O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW } = constants;
  const output = openSync(outputFile, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0o600);
  let child: ChildProcess;
  try {
    const enter = 'while [ "$1" != -- ]; do echo 0 > "$1"; shift; done; shift; exec "$@"';
    child = spawn("/bin/sh", ["-c", enter, "velocity", ...spec.cgroupFiles, "--", ...spec.command], {
      cwd: spec.cwd,
      env: { ...spec.env, VELOCITY_SANDBOX: spec.id },
      detached: true,
      stdio: ["ignore", output, output],
    });
  } finally {
    closeSync(output);
  }
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const init = child.pid === undefined ? null : identifyProcess(child.pid);
  if (init === null) {
    await ended;
    throw new VelocityError("driver_failed", "The preview's process could not be started.", {
      context: { id: spec.id },
    });
  }
  child.unref();
  return { init, ended };
}
