import { spawn } from "node:child_process";
import { constants } from "node:os";
import { proxyEnvironment } from "../server/run-environment.ts";
import { startForwarder } from "./forwarder.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const EXIT_USAGE = 2;
const EXIT_NOT_STARTED = 127;

/**
 * `run --egress <socket> -- <command…>`: runs one command with a way out through the egress proxy, for the installer's
 * own sandbox. Resolves with the exit code for the caller to end with; a signal counts as 128 + its number.
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const dash = args.indexOf("--");
  const [option, socket] = args;
  const [file, ...rest] = dash === -1 ? [] : args.slice(dash + 1);
  if (option !== "--egress" || socket === undefined || dash !== 2 || file === undefined) {
    process.stderr.write("usage: agent.mjs run --egress <socket> -- <command...>\n");
    return EXIT_USAGE;
  }
  const forwarder = await startForwarder(socket);
  const child = spawn(file, rest, {
    stdio: "inherit",
    env: {
      ...process.env,
      ...proxyEnvironment(forwarder.url, process.env.NO_PROXY),
      NODE_USE_ENV_PROXY: "1",
    },
  });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  const code = await new Promise<number>((resolve) => {
    child.once("error", (error) => {
      process.stderr.write(`${file} could not be started: ${error.message}\n`);
      resolve(EXIT_NOT_STARTED);
    });
    child.once("exit", (exitCode, signal) => {
      resolve(exitCode ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
  forwarder.close();
  return code;
}
