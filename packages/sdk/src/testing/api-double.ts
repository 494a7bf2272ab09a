import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import {
  containerIdSchema,
  type ErrorCode,
  LOCAL_USER_ID,
  type LogLine,
  type Phase,
  type Project,
  projectIdSchema,
  type Session,
  type SessionEvent,
  sessionIdSchema,
  startRequestSchema,
  type Template,
  toProblem,
  VelocityError,
} from "@velocity/contract";

/** How the next starts go. */
export interface StartScript {
  /** Time each phase takes in milliseconds, or what it waits for; a phase that is not named is skipped. */
  readonly phases: Partial<Record<Phase, number | Promise<unknown>>>;
  /** Fails in this phase with this error and these last log lines. */
  readonly failIn?: {
    readonly phase: Phase;
    readonly code: ErrorCode;
    readonly message: string;
    readonly log: string[];
  };
}

/** A server that speaks the interface from memory, for tests of what talks to it. Not a simulation of the product. */
export interface ApiDouble {
  readonly port: number;
  /** Origin of API and pages. */
  readonly url: string;
  script: StartScript;
  readonly projects: Project[];
  readonly templates: Template[];
  readonly sessions: Map<string, Session>;
  /** Each request as `METHOD path`, with the headers that tests ask about. */
  readonly requests: { readonly line: string; readonly headers: IncomingMessage["headers"] }[];
  /** Answers the next requests whose `METHOD path` starts with this, instead of the real answer. */
  intercept(prefix: string, answer: (response: ServerResponse) => void): void;
  log(id: string, line: Omit<LogLine, "at">): void;
  /** The project's own failure: the session stays, its dev server does not run. */
  breakProject(
    id: string,
    error: { readonly code: ErrorCode; readonly message: string; readonly log: string[] },
  ): void;
  /** As after a restart: old events are gone, the container's log is not. */
  forgetEvents(id: string): void;
  /** A session ends or moves without any page having asked. */
  moveTo(id: string, state: Session["state"], reason: string): void;
  /** Cuts every connection at once; the server goes on. */
  dropConnections(): void;
  /** Stops listening, as a server that is restarted does; state stays. */
  down(): Promise<void>;
  /** Listens again on the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

export interface ApiDoubleOptions {
  /** Answers page requests on the main host. */
  readonly web?: (request: Request) => Promise<Response>;
  /** Main host of pages and API; previews are one label below. Default `velocity.localhost`. */
  readonly domain?: string;
  /** HTML of every preview. */
  readonly previewHtml?: (session: Session) => string;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

interface Stored {
  readonly events: SessionEvent[];
  readonly logs: LogLine[];
  readonly listeners: Set<() => void>;
}

/** Starts the double on a free port of the loopback interface. */
export async function startApiDouble(options: ApiDoubleOptions = {}): Promise<ApiDouble> {
  const domain = options.domain ?? "velocity.localhost";
  const sessions = new Map<string, Session>();
  const stored = new Map<string, Stored>();
  const projects: Project[] = [];
  const templates: Template[] = [];
  const requests: ApiDouble["requests"] = [];
  const interceptors: { prefix: string; answer: (response: ServerResponse) => void }[] = [];
  const idempotent = new Map<string, Promise<{ status: number; body: unknown }>>();
  const sockets = new Set<Socket>();
  const timers = new Set<ReturnType<typeof setTimeout>>();
  let server: Server | null = null;
  let port = 0;
  let eventId = 0;
  let script: StartScript = { phases: {} };

  const now = () => new Date().toISOString();
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer);
        resolve();
      }, ms);
      timers.add(timer);
    });
  const storedOf = (id: string): Stored => {
    const known = stored.get(id) ?? { events: [], logs: [], listeners: new Set() };
    stored.set(id, known);
    return known;
  };
  const emit = (id: string, type: SessionEvent["type"], data: Record<string, unknown>) => {
    const entry = storedOf(id);
    entry.events.push({ id: String(++eventId), type, at: now(), data });
    for (const listener of entry.listeners) listener();
  };
  const get = (id: string): Session => {
    const session = sessions.get(id);
    if (session === undefined) throw new VelocityError("not_found", "There is no session with this id.");
    return session;
  };
  const patch = (id: string, change: Partial<Session>): Session => {
    const next = { ...get(id), ...change };
    sessions.set(id, next);
    return next;
  };
  const move = (
    id: string,
    state: Session["state"],
    reason: string,
    change: Partial<Session> = {},
  ): Session => {
    const from = get(id).state;
    const level = state === "suspended" ? "frozen" : null;
    const next = patch(id, { state, level, lastActivityAt: now(), ...change });
    emit(id, "state", { state, level, from, reason });
    return next;
  };
  const log = (id: string, line: Omit<LogLine, "at">) => {
    const full = { at: now(), ...line };
    storedOf(id).logs.push(full);
    emit(id, "log", full);
  };

  const newSession = (projectId: string): Session => {
    const id = sessionIdSchema.parse(crypto.randomUUID());
    const session: Session = {
      id,
      projectId: projectIdSchema.parse(projectId),
      userId: LOCAL_USER_ID,
      state: "pending",
      level: null,
      mode: "persistent",
      tier: "local",
      resources: { cpus: null, memoryMb: null, diskMb: null },
      url: `http://${id}.${domain}:${port}`,
      previewUrl: null,
      visibility: "public",
      container: null,
      createdAt: now(),
      lastActivityAt: now(),
      expiresAt: null,
      suspendedAt: null,
      endedAt: null,
      reconnectCount: 0,
      parentSessionId: null,
      restoredSnapshotId: null,
      operation: { kind: "starting", phase: "queued", startedAt: now() },
      health: {
        status: "unknown",
        checkedAt: null,
        checks: { http: "unknown", process: "unknown", resources: "unknown" },
      },
      error: null,
    };
    sessions.set(id, session);
    emit(id, "state", { state: "pending", level: null, from: null, reason: "start" });
    return session;
  };

  const boot = async (id: string, kind: "starting" | "resuming"): Promise<void> => {
    const running = script;
    for (const [phase, length] of Object.entries(running.phases) as [Phase, number | Promise<unknown>][]) {
      const began = performance.now();
      patch(id, { operation: { kind, phase, startedAt: now() } });
      emit(id, "phase", { operation: kind, phase, status: "begin" });
      if (phase === "dependencies") {
        log(id, { source: "install", stream: "stdout", text: "Packages are in place" });
      }
      await (typeof length === "number" ? pause(length) : length);
      const ms = typeof length === "number" ? length : Math.round(performance.now() - began);
      const fail = running.failIn;
      if (fail?.phase === phase) {
        for (const text of fail.log) log(id, { source: "server", stream: "stderr", text });
        const error = { code: fail.code, message: fail.message };
        emit(id, "error", { ...error, log: fail.log });
        move(id, "terminated", "start failed", { operation: null, error, endedAt: now() });
        throw new VelocityError(fail.code, fail.message);
      }
      if (phase === "container" && get(id).container === null) patch(id, { container: newContainer(id) });
      emit(id, "phase", { operation: kind, phase, status: "end", ms });
    }
    log(id, {
      source: "server",
      stream: "stdout",
      text: "\u001b[32m➜\u001b[39m  Local: http://localhost:5173/",
    });
    const session = get(id);
    move(id, "active", "published", {
      operation: null,
      suspendedAt: null,
      previewUrl: session.url,
      container: session.container ?? newContainer(id),
      health: {
        status: "healthy",
        checkedAt: now(),
        checks: { http: "healthy", process: "healthy", resources: "healthy" },
      },
    });
  };

  const start = async (raw: unknown): Promise<{ status: number; body: unknown }> => {
    const parsed = startRequestSchema.safeParse(raw);
    if (!parsed.success) {
      throw new VelocityError("validation", "The request has invalid fields.", {
        errors: parsed.error.issues.map((issue) => ({
          path: issue.path.join("."),
          code: issue.code,
          message: issue.message,
        })),
      });
    }
    const options = parsed.data;
    const live = [...sessions.values()].find(
      (one) => one.projectId === options.projectId && one.state !== "terminated",
    );
    if (live !== undefined && options.forceNew) move(live.id, "terminated", "force new", { endedAt: now() });
    const reuse = live !== undefined && !options.forceNew;
    const session = reuse ? live : newSession(options.projectId);
    const source = !reuse ? "cold" : session.state === "suspended" ? "resumed" : "reused";
    const began = performance.now();
    const work =
      session.state === "active"
        ? Promise.resolve()
        : boot(session.id, source === "resumed" ? "resuming" : "starting");
    work.catch(() => undefined);
    const outcome = await Promise.race([
      work.then(() => "done" as const),
      options.wait ? pause(options.waitMs).then(() => "later" as const) : "later",
    ]);
    const timings = {
      claimMs: 1,
      filesMs: null,
      dependenciesMs: null,
      serverMs: null,
      probeMs: null,
      totalMs: Math.round(performance.now() - began),
    };
    return {
      status: outcome === "later" ? 202 : reuse ? 200 : 201,
      body: { session: get(session.id), reused: reuse, source, timings },
    };
  };

  const verbs: Record<string, (id: string) => Session | Promise<Session>> = {
    stop: (id) => {
      if (get(id).state === "terminated") {
        throw new VelocityError("invalid_state", "A terminated session cannot be stopped.");
      }
      return move(id, "suspended", "stop", { suspendedAt: now() });
    },
    resume: async (id) => {
      await boot(id, "resuming");
      return get(id);
    },
    suspend: (id) => move(id, "suspended", "suspend", { suspendedAt: now() }),
    restart: (id) => get(id),
    heartbeat: (id) => patch(id, { lastActivityAt: now() }),
    terminate: (id) =>
      get(id).state === "terminated"
        ? get(id)
        : move(id, "terminated", "terminate", { endedAt: now(), previewUrl: null }),
  };

  const streamEvents = (id: string, request: IncomingMessage, response: ServerResponse) => {
    get(id);
    const entry = storedOf(id);
    let sent = Number(request.headers["last-event-id"] ?? 0);
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 100\n\n: hello\n\n");
    const flush = () => {
      for (const event of entry.events) {
        if (Number(event.id) <= sent) continue;
        sent = Number(event.id);
        response.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      }
    };
    flush();
    entry.listeners.add(flush);
    response.on("close", () => entry.listeners.delete(flush));
  };

  const streamLogs = (id: string, follow: boolean, response: ServerResponse) => {
    get(id);
    const entry = storedOf(id);
    let sent = 0;
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const flush = () => {
      for (; sent < entry.logs.length; sent++) response.write(`${JSON.stringify(entry.logs[sent])}\n`);
    };
    flush();
    if (!follow) {
      response.end();
      return;
    }
    entry.listeners.add(flush);
    response.on("close", () => entry.listeners.delete(flush));
  };

  const api = async (request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> => {
    const method = request.method ?? "GET";
    const parts = url.pathname.split("/").filter((part) => part !== "");
    const [, kind = "", id = "", verb = ""] = parts;
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const page = (items: readonly unknown[]) => send(200, { items, nextCursor: null });
    if (kind === "templates") return page(templates);
    if (kind === "projects" && id === "" && method === "GET") return page(projects);
    if (kind === "projects" && id === "") {
      const body = (await readJson(request)) as { name: string; template?: string };
      const project = newProject(body.name, body.template ?? "react");
      projects.push(project);
      return send(201, project);
    }
    if (kind === "projects") {
      const project = projects.find((one) => one.id === id);
      if (project === undefined) throw new VelocityError("not_found", "There is no project with this id.");
      return send(200, project);
    }
    if (kind === "sessions" && id === "" && method === "GET") {
      const projectId = url.searchParams.get("projectId");
      return page([...sessions.values()].filter((one) => projectId === null || one.projectId === projectId));
    }
    if (kind === "sessions" && id === "start") {
      const body = await readJson(request);
      const key = request.headers["idempotency-key"];
      const run = (typeof key === "string" ? idempotent.get(key) : undefined) ?? start(body);
      if (typeof key === "string") idempotent.set(key, run);
      const answer = await run;
      return send(answer.status, answer.body);
    }
    if (kind === "sessions" && verb === "events") return streamEvents(id, request, response);
    if (kind === "sessions" && verb === "logs")
      return streamLogs(id, url.searchParams.has("follow"), response);
    if (kind === "sessions" && verb === "" && method === "GET") return send(200, get(id));
    const act = verbs[verb];
    if (kind === "sessions" && method === "POST" && act !== undefined) {
      await readJson(request);
      return send(200, await act(id));
    }
    throw new VelocityError("not_found", "There is nothing at this address.");
  };

  const preview = (id: string, response: ServerResponse) => {
    const session = sessions.get(id);
    if (session?.state !== "active") {
      response.writeHead(503, { "content-type": "text/plain", "retry-after": "1" }).end("not running");
      return;
    }
    response.writeHead(200, { "content-type": "text/html" });
    response.end(options.previewHtml?.(session) ?? `<!doctype html><title>Preview</title><p>${session.id}`);
  };

  const handler: Handler = async (request, response) => {
    const url = new URL(request.url ?? "/", `http://${request.headers.host ?? "localhost"}`);
    const line = `${request.method} ${url.pathname}`;
    requests.push({ line, headers: request.headers });
    const taken = interceptors.findIndex((one) => line.startsWith(one.prefix));
    if (taken !== -1) {
      interceptors.splice(taken, 1)[0]?.answer(response);
      return;
    }
    if (url.hostname !== domain && url.hostname.endsWith(`.${domain}`)) {
      preview(url.hostname.slice(0, -domain.length - 1), response);
      return;
    }
    if (url.pathname.startsWith("/api/")) {
      try {
        await api(request, response, url);
      } catch (error) {
        const known =
          error instanceof VelocityError ? error : new VelocityError("internal", "Something broke.");
        const body = toProblem(known, { instance: url.pathname, requestId: "req-double" });
        response.writeHead(body.status, { "content-type": "application/problem+json" });
        response.end(JSON.stringify(body));
      }
      return;
    }
    if (options.web === undefined) {
      response.writeHead(404).end();
      return;
    }
    const answer = await options.web(
      new Request(url, { method: request.method ?? "GET", headers: pageHeaders(request) }),
    );
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    response.end(Buffer.from(await answer.arrayBuffer()));
  };

  const listen = async () => {
    const next = createServer((request, response) => void handler(request, response));
    next.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      next.once("error", reject);
      next.listen(port, "127.0.0.1", resolve);
    });
    port = (next.address() as AddressInfo).port;
    server = next;
  };
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy();
  };
  const down = async () => {
    const current = server;
    server = null;
    if (current === null) return;
    const closed = new Promise<void>((resolve) => current.close(() => resolve()));
    dropConnections();
    await closed;
  };

  await listen();
  return {
    get port() {
      return port;
    },
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get script() {
      return script;
    },
    set script(next) {
      script = next;
    },
    projects,
    templates,
    sessions,
    requests,
    intercept: (prefix, answer) => {
      interceptors.push({ prefix, answer });
    },
    log,
    breakProject: (id, { code, message, log: lines }) => {
      patch(id, { error: { code, message } });
      emit(id, "error", { code, message, log: lines });
    },
    forgetEvents: (id) => {
      storedOf(id).events.length = 0;
    },
    moveTo: (id, state, reason) => {
      move(id, state, reason, state === "terminated" ? { endedAt: now(), previewUrl: null } : {});
    },
    dropConnections,
    down,
    up: listen,
    close: async () => {
      for (const timer of timers) clearTimeout(timer);
      await down();
    },
  };
}

/** A project as the server would describe it. */
export function newProject(name: string, template: string, id: string = crypto.randomUUID()): Project {
  const at = new Date().toISOString();
  return {
    id: projectIdSchema.parse(id),
    name,
    ownerId: LOCAL_USER_ID,
    source: "template",
    template,
    directory: null,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
}

function newContainer(sessionId: string): NonNullable<Session["container"]> {
  return {
    id: containerIdSchema.parse(crypto.randomUUID()),
    driver: "double",
    ref: `velocity-double-${sessionId.slice(0, 8)}`,
    generation: 1,
  };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    throw new VelocityError("invalid_json", "The body is not valid JSON.");
  }
}

function pageHeaders(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const name of ["accept", "if-none-match"]) {
    const value = request.headers[name];
    if (typeof value === "string") headers.set(name, value);
  }
  return headers;
}
