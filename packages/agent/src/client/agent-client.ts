import {
  type AgentEvent,
  type AgentFileEntry,
  type AgentHealth,
  type ApplyFiles,
  agentEventSchema,
  agentFileEntrySchema,
  agentHealthSchema,
  type Bind,
  type BindResult,
  bindResultSchema,
  type Endpoint,
  type Exec,
  type ExecResult,
  execResultSchema,
  type Identity,
  identitySchema,
  type SequencedLog,
  sequencedLogSchema,
  VelocityError,
} from "@velocity/contract";
import { z } from "zod";
import { type AgentRequest, callAgent, readAll } from "./agent-request.ts";
import { readNdjson } from "./ndjson.ts";

export interface AgentClientOptions {
  /** How long an agent may take to answer a call that does no work. Default 10 s. */
  readonly timeoutMs?: number;
}

/** Talks to the agent in a container. All that comes from there is parsed and bounded: a container is hostile. */
export interface AgentClient {
  identity(at: Endpoint, signal: AbortSignal): Promise<Identity>;
  health(at: Endpoint, signal: AbortSignal): Promise<AgentHealth>;
  bind(at: Endpoint, bind: Bind, signal: AbortSignal): Promise<BindResult>;
  applyFiles(
    at: Endpoint,
    change: ApplyFiles,
    signal: AbortSignal,
  ): Promise<{ written: number; deleted: number }>;
  restart(at: Endpoint, signal: AbortSignal): Promise<void>;
  exec(at: Endpoint, command: Exec, signal: AbortSignal): Promise<ExecResult>;
  /** Waits for the agent to come up; ends with the signal; throws `session_unavailable` when the connection is lost. */
  events(at: Endpoint, since: number, signal: AbortSignal): AsyncIterable<AgentEvent>;
  readFile(at: Endpoint, path: string, signal: AbortSignal): Promise<Buffer>;
  writeFile(at: Endpoint, path: string, content: Buffer, signal: AbortSignal): Promise<void>;
  deleteFile(at: Endpoint, path: string, signal: AbortSignal): Promise<void>;
  listFiles(
    at: Endpoint,
    options: { readonly path?: string; readonly recursive?: boolean },
    signal: AbortSignal,
  ): Promise<AgentFileEntry[]>;
  /** Log lines after `since`; with `follow` it goes on until the signal. */
  logs(
    at: Endpoint,
    options: { readonly since?: number; readonly follow?: boolean },
    signal: AbortSignal,
  ): AsyncIterable<SequencedLog>;
}

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const WORK_TIMEOUT_MS = 120_000;
const EXEC_DEFAULT_MS = 60_000;
const EXEC_MARGIN_MS = 10_000;
/** While the agent's socket is not there yet: first wait, growth and longest wait. */
const RETRY = { firstMs: 2, factor: 1.3, longestMs: 20 } as const;

const appliedSchema = z.object({ written: z.int(), deleted: z.int() });
const listSchema = z.object({ items: z.array(agentFileEntrySchema).max(25_000) });

export function createAgentClient(options: AgentClientOptions = {}): AgentClient {
  const quickMs = options.timeoutMs ?? 10_000;

  async function ask<T extends z.ZodType>(
    at: Endpoint,
    call: Omit<AgentRequest, "timeoutMs"> & { timeoutMs?: number },
    schema: T,
  ): Promise<z.output<T>> {
    const timeoutMs = call.timeoutMs ?? quickMs;
    // The body may trickle for ever: the whole answer has its limit too.
    const limit = AbortSignal.timeout(timeoutMs * 2);
    const signal = AbortSignal.any([call.signal, limit]);
    let body: Buffer;
    try {
      body = await readAll(await callAgent(at, { ...call, signal, timeoutMs }), MAX_ANSWER_BYTES);
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      throw limit.aborted ? tooSlow() : error;
    }
    return parseAnswer(schema, body);
  }

  return {
    identity: (at, signal) => ask(at, { method: "GET", path: "/identity", signal }, identitySchema),
    health: (at, signal) => ask(at, { method: "GET", path: "/health", signal }, agentHealthSchema),
    bind: (at, body, signal) =>
      ask(at, { method: "POST", path: "/bind", body, signal, timeoutMs: WORK_TIMEOUT_MS }, bindResultSchema),
    applyFiles: (at, body, signal) =>
      ask(at, { method: "POST", path: "/files", body, signal, timeoutMs: WORK_TIMEOUT_MS }, appliedSchema),
    restart: async (at, signal) => {
      const response = await callAgent(at, { method: "POST", path: "/restart", signal, timeoutMs: quickMs });
      response.destroy();
    },
    exec: (at, body, signal) => {
      const timeoutMs = (body.timeoutMs ?? EXEC_DEFAULT_MS) + EXEC_MARGIN_MS;
      return ask(at, { method: "POST", path: "/exec", body, signal, timeoutMs }, execResultSchema);
    },
    readFile: async (at, path, signal) => {
      const limited = AbortSignal.any([signal, AbortSignal.timeout(WORK_TIMEOUT_MS)]);
      const call = { method: "GET", path: filePath(path), signal: limited, timeoutMs: quickMs } as const;
      return readAll(await callAgent(at, call), MAX_FILE_BYTES);
    },
    writeFile: async (at, path, body, signal) => {
      const call = { method: "PUT", path: filePath(path), body, signal, timeoutMs: WORK_TIMEOUT_MS } as const;
      await ask(at, call, appliedSchema);
    },
    deleteFile: async (at, path, signal) => {
      await ask(at, { method: "DELETE", path: filePath(path), signal }, appliedSchema);
    },
    listFiles: async (at, { path = "", recursive = false }, signal) => {
      const query = new URLSearchParams({ path, recursive: recursive ? "1" : "0" });
      return (await ask(at, { method: "GET", path: `/files?${query}`, signal }, listSchema)).items;
    },
    async *logs(at, { since = 0, follow = false }, signal) {
      const path = `/logs?since=${since}${follow ? "&follow=1" : ""}`;
      const response = await callAgent(at, { method: "GET", path, signal, timeoutMs: quickMs });
      yield* untilAborted(readNdjson(response), sequencedLogSchema, signal);
    },
    async *events(at, since, signal) {
      const call = { method: "GET", path: `/events?since=${since}`, signal, timeoutMs: quickMs } as const;
      const response = await whenUp(() => callAgent(at, call), signal);
      if (response === null) return;
      yield* untilAborted(readNdjson(response), agentEventSchema, signal);
      if (!signal.aborted) throw lost();
    },
  };
}

/** Tries until somebody answers; null: the signal came first. Any other failure is thrown. */
async function whenUp<T>(attempt: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
  for (let waitMs: number = RETRY.firstMs; ; waitMs = Math.min(waitMs * RETRY.factor, RETRY.longestMs)) {
    try {
      if (signal.aborted) return null;
      return await attempt();
    } catch (error) {
      if (signal.aborted) return null;
      if (!(error instanceof VelocityError) || error.code !== "session_unavailable") throw error;
    }
    await pause(waitMs, signal);
  }
}

/** Parsed values until the source ends or the signal comes, which is no error. */
async function* untilAborted<T extends z.ZodType>(
  source: AsyncIterable<unknown>,
  schema: T,
  signal: AbortSignal,
): AsyncGenerator<z.output<T>, void, undefined> {
  try {
    for await (const value of source) yield parsed(schema, value);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function parseAnswer<T extends z.ZodType>(schema: T, body: Buffer): z.output<T> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    value = undefined;
  }
  return parsed(schema, value);
}

function parsed<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new VelocityError("upstream_invalid", "The container's agent sent an invalid answer.", {
    cause: result.error,
  });
}

function filePath(path: string): string {
  return `/files/${path.split("/").map(encodeURIComponent).join("/")}`;
}

function tooSlow(): VelocityError {
  return new VelocityError("upstream_timeout", "The container's agent did not answer in time.");
}

function lost(): VelocityError {
  return new VelocityError("session_unavailable", "The connection to the container's agent was lost.");
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
