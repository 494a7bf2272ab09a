import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AgentHealth, HealthStatus, Identity, RunSpec } from "@velocity/contract";
import { VelocityError } from "@velocity/contract";
import type { EventLog } from "../log/event-log.ts";
import type { DevServer } from "../server/dev-server.ts";
import { streamEvents } from "./event-stream.ts";

export interface ControlContext {
  identity: Identity;
  readonly workspace: string;
  readonly events: EventLog;
  readonly server: DevServer;
  readonly startedAtMs: number;
  readonly execEnvironment: (own: Record<string, string>, cwd: string) => Record<string, string>;
}

/** What one request is answered by. */
export interface ControlRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

type Handler = (context: ControlContext, call: ControlRequest) => void | Promise<void>;

/** Loaded when first asked for: validation costs more than the whole rest of the agent, and a cold start is not the time. */
const workspaceRoute =
  (name: "bind" | "exec" | "applyFiles" | "listFiles" | "readFile" | "putFile" | "deleteFile"): Handler =>
  async (context, call) => {
    const routes = await import("./workspace-routes.ts");
    await routes[name](context, call);
  };

const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "/health": { GET: (context, { response }) => sendJson(response, 200, health(context)) },
  "/identity": { GET: (context, { response }) => sendJson(response, 200, context.identity) },
  "/bind": { POST: workspaceRoute("bind") },
  "/restart": { POST: restart },
  "/exec": { POST: workspaceRoute("exec") },
  "/logs": { GET: logs },
  "/events": { GET: events },
  "/files": { GET: workspaceRoute("listFiles"), POST: workspaceRoute("applyFiles") },
};
const FILE_ROUTES: Readonly<Record<string, Handler>> = {
  GET: workspaceRoute("readFile"),
  PUT: workspaceRoute("putFile"),
  DELETE: workspaceRoute("deleteFile"),
};

/** The HTTP server of the control socket. It listens nowhere by itself. */
export function createControlServer(context: ControlContext): Server {
  const server = createServer((request, response) => {
    void handle(context, request, response).catch(async (error: unknown) => {
      const { sendProblem } = await import("./workspace-routes.ts");
      sendProblem(request, response, error);
    });
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  return server;
}

async function handle(
  context: ControlContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(`http://agent${request.url?.startsWith("/") ? request.url : "/"}`);
  const methods = url.pathname.startsWith("/files/")
    ? FILE_ROUTES
    : Object.hasOwn(ROUTES, url.pathname)
      ? ROUTES[url.pathname]
      : undefined;
  if (methods === undefined) throw new VelocityError("not_found", "The agent has no such call.");
  const method = request.method ?? "";
  const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (handler === undefined) {
    response.setHeader("allow", Object.keys(methods).join(", "));
    throw new VelocityError("method_not_allowed", "The agent does not take this method here.");
  }
  await handler(context, { request, response, url });
}

function restart(context: ControlContext, { response }: ControlRequest): void {
  if (context.server.run === null) {
    throw new VelocityError("invalid_state", "There is no dev server yet: the container is not bound.");
  }
  void context.server.restart();
  response.writeHead(202, { "content-length": 0 }).end();
}

function events(context: ControlContext, { response, url }: ControlRequest): void {
  streamEvents(context.events, response, { since: sinceOf(url), follow: true, format: (event) => event });
}

function logs(context: ControlContext, { response, url }: ControlRequest): void {
  streamEvents(context.events, response, {
    since: sinceOf(url),
    follow: url.searchParams.get("follow") === "1",
    format: (event) => (event.type === "log" ? { ...event.line, seq: event.seq } : null),
  });
}

function sinceOf(url: URL): number {
  const since = Number(url.searchParams.get("since") ?? 0);
  if (!Number.isSafeInteger(since) || since < 0) {
    throw new VelocityError("bad_request", "since must be a number of an event, or 0.");
  }
  return since;
}

function health(context: ControlContext): AgentHealth {
  const { identity, server } = context;
  const devServer: HealthStatus =
    server.state.status === "listening"
      ? "healthy"
      : server.state.status === "failed"
        ? "unhealthy"
        : "unknown";
  const connected = context.events.listenerCount > 0;
  return {
    status: devServer,
    timestamp: new Date().toISOString(),
    projectId: identity.projectId,
    sessionId: identity.sessionId,
    machineId: identity.containerId,
    generation: identity.generation,
    devServerPort: server.state.port,
    isInitialized: identity.sessionId !== null,
    uptime: Math.round((Date.now() - context.startedAtMs) / 100) / 10,
    checks: { devServer, orchestrator: connected ? "healthy" : "unknown" },
    // The orchestrator connects to the agent, so the agent itself never retries.
    realtime: { connected, retryCount: 0, maxRetryAttempts: 0, hasReconnectTimer: false },
  };
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** Whether a server that runs by `now` must be restarted to run by `next`. How it is waited for makes no difference. */
export function runDiffers(now: RunSpec | null, next: RunSpec): boolean {
  return now === null || essence(now) !== essence(next);
}

function essence(run: RunSpec): string {
  const env = Object.entries(run.env).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([run.command, run.cwd, run.port, run.listen, env]);
}
