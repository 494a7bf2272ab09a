import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AgentHealth, HealthStatus } from "@velocity/contract";
import { VelocityError } from "@velocity/contract";
import { type ControlContext, type ControlRequest, sendJson, sendProblem } from "./control-call.ts";
import { streamEvents } from "./event-stream.ts";
import { applyFiles, bind, deleteFile, exec, listFiles, putFile, readFile } from "./workspace-routes.ts";

type Handler = (context: ControlContext, call: ControlRequest) => void | Promise<void>;

const ROUTES: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  "/health": { GET: (context, { response }) => sendJson(response, 200, health(context)) },
  "/identity": { GET: (context, { response }) => sendJson(response, 200, context.identity) },
  "/bind": { POST: bind },
  "/restart": { POST: restart },
  "/exec": { POST: exec },
  "/logs": { GET: logs },
  "/events": { GET: events },
  "/files": { GET: listFiles, POST: applyFiles },
};
const FILE_ROUTES: Readonly<Record<string, Handler>> = {
  GET: readFile,
  PUT: putFile,
  DELETE: deleteFile,
};

/** The HTTP server of the control socket. It listens nowhere by itself. */
export function createControlServer(context: ControlContext): Server {
  const server = createServer((request, response) => {
    void handle(context, request, response).catch((error: unknown) => {
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
  context.server.restart().catch(() => {});
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
