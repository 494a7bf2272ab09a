import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { AgentConfig, RunSpec } from "@velocity/contract";
import { runEnvironment } from "./server/run-environment.ts";
import { clearSockets } from "./server/socket-folder.ts";
import { type RunningProgram, spawnProgram } from "./server/spawn-program.ts";

/**
 * Entry of the agent. It is on the way of every cold start, so the dev server is started before anything but this file
 * is loaded; the rest of the agent comes up beside it.
 */
const startedAtMs = Date.now();
const EXIT_CONFIG = 78;
const EXIT_SOFTWARE = 70;

async function main(): Promise<void> {
  if (process.argv[2] === "run") {
    const { runCommand } = await import("./egress/run-command.ts");
    process.exit(await runCommand(process.argv.slice(3)));
  }
  const config = readConfig(process.env.VELOCITY_AGENT_CONFIG);
  mkdirSync(config.socketDir, { recursive: true });
  clearSockets(config.socketDir);
  const forwarder =
    config.egressSocket === null
      ? null
      : await (await import("./egress/forwarder.ts")).startForwarder(config.egressSocket);
  const proxyUrl = forwarder?.url ?? null;
  const preloadPath = join(import.meta.dirname, "preload.cjs");
  const early = config.run === null || config.run.install !== null ? null : spawnServer(config, config.run);

  // The agent outlives a mistake of its own: without it nobody looks after the dev server.
  process.on("uncaughtException", (error) =>
    process.stderr.write(`velocity agent: ${error.stack ?? error}\n`),
  );
  const { startAgent } = await import("./agent.ts");
  const agent = await startAgent({
    config,
    base: process.env,
    proxyUrl,
    preloadPath,
    startedAtMs,
    early,
  }).catch((error: unknown) => {
    process.stderr.write(`velocity agent: could not start: ${String(error)}\n`);
    early?.child?.kill("SIGKILL");
    process.exit(EXIT_SOFTWARE);
  });
  let closing = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, () => {
      if (closing) return;
      closing = true;
      void agent.close().finally(() => process.exit(0));
    });
  }

  function spawnServer(from: AgentConfig, run: RunSpec): RunningProgram {
    const cwd = join(from.workspace, run.cwd);
    const env = runEnvironment({
      base: process.env,
      own: run.env,
      cwd,
      nodeDir: dirname(process.execPath),
      proxyUrl,
      proxyBy: "preload",
      preload: { path: preloadPath, socketDir: from.socketDir, port: run.port },
    });
    return spawnProgram({ command: run.command, cwd, env });
  }
}

/** The driver writes it: that it is of our protocol is all there is to be checked, and zod would cost 40 ms here. */
function readConfig(path: string | undefined): AgentConfig {
  try {
    const config: AgentConfig = JSON.parse(readFileSync(path ?? "", "utf8"));
    if (config.protocol === 1) return config;
    process.stderr.write("velocity agent: the configuration is of another protocol version\n");
  } catch (error) {
    process.stderr.write(`velocity agent: VELOCITY_AGENT_CONFIG cannot be read: ${String(error)}\n`);
  }
  process.exit(EXIT_CONFIG);
}

await main();
