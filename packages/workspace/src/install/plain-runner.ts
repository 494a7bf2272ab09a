import type { InstallRunner } from "./install-runner.ts";
import { runChild } from "./run-child.ts";

/**
 * Runs the installer as an ordinary child process: for machines without a sandbox, where everything is trusted anyway.
 * `baseEnv` is the operator's own (PATH, and the home folder with the registry's settings).
 */
export function createPlainRunner(baseEnv: Readonly<Record<string, string>>): InstallRunner {
  return {
    place: (source) => source,
    hand: async () => {},
    run: ({ command: [file = "", ...args], ...job }) =>
      runChild({ ...job, file, args, env: { ...baseEnv, ...job.env } }),
    registry: async () => null,
    close: async () => {},
  };
}
