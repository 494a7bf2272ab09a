import { dirname, join } from "node:path";
import { type AgentConfig, CONTROL_SOCKET, type RunSpec } from "@velocity/contract";
import type { ControlContext } from "./control/control-call.ts";
import { createControlServer } from "./control/control-server.ts";
import { EventLog } from "./log/event-log.ts";
import { LogFile } from "./log/log-file.ts";
import { AppSocket } from "./server/app-socket.ts";
import { DevServer } from "./server/dev-server.ts";
import { listenAtomically } from "./server/listen-atomically.ts";
import { runEnvironment } from "./server/run-environment.ts";
import { remove } from "./server/socket-folder.ts";
import type { RunningProgram } from "./server/spawn-program.ts";
import { createStatusServer } from "./server/status-page.ts";

export interface AgentOptions {
  readonly config: AgentConfig;
  /** Environment of the agent itself. */
  readonly base: Readonly<Record<string, string | undefined>>;
  readonly proxyUrl: string | null;
  readonly preloadPath: string;
  readonly startedAtMs: number;
  /** The dev server, where it was started before all this was loaded. */
  readonly early: RunningProgram | null;
}

export interface Agent {
  close(): Promise<void>;
}

/** Environment of the dev server by its spec; shared with the start that happens before the agent is loaded. */
export function serverEnvironment(
  options: Pick<AgentOptions, "config" | "base" | "proxyUrl" | "preloadPath">,
  run: RunSpec,
): Record<string, string> {
  return runEnvironment({
    base: options.base,
    own: run.env,
    cwd: join(options.config.workspace, run.cwd),
    nodeDir: dirname(process.execPath),
    proxyUrl: options.proxyUrl,
    proxyBy: "preload",
    preload: { path: options.preloadPath, socketDir: options.config.socketDir, port: run.port },
  });
}

/** Puts the agent together and opens its control socket. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { config, early } = options;
  const events = new EventLog(() => new Date());
  const logFile = new LogFile(config.logFile);
  const page = createStatusServer(() => ({
    mark: `${server.state.status}:${server.state.error?.code ?? ""}:${server.state.error?.log.length ?? 0}`,
    status: server.state.status,
    error: server.state.error,
  }));
  const socket = new AppSocket({ socketDir: config.socketDir, page, onChange: () => server.socketChanged() });
  const nodeDir = dirname(process.execPath);
  const server: DevServer = new DevServer({
    workspace: config.workspace,
    events,
    logFile,
    socket,
    environment: (run, kind) =>
      kind === "server"
        ? serverEnvironment(options, run)
        : runEnvironment({
            base: options.base,
            own: run.install?.env ?? {},
            cwd: join(config.workspace, run.cwd),
            nodeDir,
            proxyUrl: options.proxyUrl,
            proxyBy: "node",
            preload: null,
          }),
  });
  socket.watch();
  if (config.run === null) events.server("idle", null, null);
  else await server.start(config.run, early ?? undefined);
  const context: ControlContext = {
    identity: config.identity,
    execs: 0,
    workspace: config.workspace,
    events,
    server,
    startedAtMs: options.startedAtMs,
    execEnvironment: (own, cwd) => {
      const env = runEnvironment({
        base: options.base,
        own: { ...server.run?.env, ...own },
        cwd,
        nodeDir,
        proxyUrl: options.proxyUrl,
        proxyBy: "node",
        // A server that a command starts is a further port, never the app.
        preload: { path: options.preloadPath, socketDir: config.socketDir, port: 0 },
      });
      return env;
    },
  };
  const control = createControlServer(context);
  const controlPath = join(config.socketDir, CONTROL_SOCKET);
  await listenAtomically(control, controlPath, { replace: true, unique: "control" });
  return {
    close: async () => {
      await server.stop();
      remove(controlPath);
      control.closeAllConnections();
      control.close();
      socket.close();
      logFile.close();
    },
  };
}
