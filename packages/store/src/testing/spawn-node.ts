import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface NodeChild {
  readonly process: ChildProcess;
  /** The next line it prints; null after the last one. */
  line(): Promise<string | null>;
  /** Ends it without a chance to tidy up, and waits until it is gone. */
  kill(): Promise<void>;
}

/** Runs a program of this folder in a process of its own. The test kills it. */
export function spawnNode(
  program: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): NodeChild {
  const path = fileURLToPath(new URL(`./${program}`, import.meta.url));
  const child = spawn(process.execPath, [...nodeArgs, path, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async line() {
      const next = await lines.next();
      return next.done === true ? null : next.value;
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, "exit");
      child.kill("SIGKILL");
      await gone;
    },
  };
}
