import type {
  Exec,
  ExecResult,
  HistoryEntry,
  LogLine,
  Page,
  Session,
  SessionEvent,
  SessionState,
  StartRequest,
  StartResponse,
} from "@velocity/contract";
import { type EventStreamOptions, sessionEvents } from "./event-stream.ts";
import { readNdjson } from "./ndjson.ts";
import { type CallOptions, segment, type Transport } from "./transport.ts";

export interface StartResult extends StartResponse {
  /** The wait was over first (or not wanted): the start goes on, follow it by `events`. */
  readonly pending: boolean;
}

export interface SessionsApi {
  /**
   * Starts, resumes or reuses the caller's session of a project. Tried again with the same key when the connection
   * breaks, so that one call never gives two sessions.
   */
  start(
    request: StartRequest,
    options?: CallOptions & { readonly idempotencyKey?: string },
  ): Promise<StartResult>;
  get(id: string, options?: CallOptions): Promise<Session>;
  list(
    filter?: {
      readonly projectId?: string | undefined;
      readonly userId?: string | undefined;
      readonly state?: SessionState | undefined;
      readonly cursor?: string | undefined;
      readonly limit?: number | undefined;
    },
    options?: CallOptions,
  ): Promise<Page<Session>>;
  /** Suspends and keeps the state. */
  stop(id: string, options?: CallOptions): Promise<Session>;
  resume(id: string, options?: CallOptions): Promise<Session>;
  suspend(id: string, level?: "freeze" | "hibernate", options?: CallOptions): Promise<Session>;
  restart(id: string, target?: "server" | "container", options?: CallOptions): Promise<Session>;
  /** Resolves once the container is verified gone; repeatable. */
  terminate(id: string, options?: CallOptions): Promise<Session>;
  heartbeat(id: string, options?: CallOptions): Promise<Session>;
  history(id: string, options?: CallOptions & { readonly cursor?: string }): Promise<Page<HistoryEntry>>;
  exec(id: string, command: Exec, options?: CallOptions): Promise<ExecResult>;
  events(id: string, options?: EventStreamOptions): AsyncGenerator<SessionEvent, void, undefined>;
  /** What the container still has, oldest first; with `follow` then live until the signal aborts or the stream ends. */
  logs(
    id: string,
    options?: CallOptions & { readonly follow?: boolean },
  ): AsyncGenerator<LogLine, void, undefined>;
}

export function createSessionsApi(transport: Transport): SessionsApi {
  const path = (id: string, rest = "") => `/api/sessions/${segment(id)}${rest}`;
  const post = (id: string, verb: string, options: CallOptions | undefined, body?: unknown) =>
    transport.json<Session>({
      method: "POST",
      path: path(id, `/${verb}`),
      ...(body === undefined ? {} : { body }),
      signal: options?.signal,
    });

  return {
    async start(request, options) {
      const key = options?.idempotencyKey ?? globalThis.crypto.randomUUID();
      let status = 0;
      const answer = await transport.json<StartResponse>(
        {
          method: "POST",
          path: "/api/sessions/start",
          body: request,
          headers: { "idempotency-key": key },
          repeatable: true,
          signal: options?.signal,
        },
        (response) => {
          status = response.status;
        },
      );
      return { ...answer, pending: status === 202 };
    },
    get: (id, options) =>
      transport.json({ method: "GET", path: path(id), repeatable: true, signal: options?.signal }),
    list: (filter, options) =>
      transport.json({
        method: "GET",
        path: "/api/sessions",
        query: { ...filter },
        repeatable: true,
        signal: options?.signal,
      }),
    stop: (id, options) => post(id, "stop", options),
    resume: (id, options) => post(id, "resume", options),
    suspend: (id, level, options) => post(id, "suspend", options, level === undefined ? {} : { level }),
    restart: (id, target, options) => post(id, "restart", options, target === undefined ? {} : { target }),
    terminate: (id, options) => post(id, "terminate", options),
    heartbeat: (id, options) => post(id, "heartbeat", options),
    history: (id, options) =>
      transport.json({
        method: "GET",
        path: path(id, "/history"),
        query: { cursor: options?.cursor },
        repeatable: true,
        signal: options?.signal,
      }),
    exec: (id, command, options) =>
      transport.json({ method: "POST", path: path(id, "/exec"), body: command, signal: options?.signal }),
    events: (id, options) => sessionEvents(transport, path(id, "/events"), options),
    async *logs(id, options) {
      const response = await transport.send({
        method: "GET",
        path: path(id, "/logs"),
        query: { follow: options?.follow === true ? true : undefined },
        headers: { accept: "application/x-ndjson" },
        repeatable: true,
        signal: options?.signal,
      });
      yield* readNdjson<LogLine>(response, options?.signal);
    },
  };
}
