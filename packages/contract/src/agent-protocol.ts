import { z } from "zod";
import { logLineSchema } from "./events.ts";
import { fileContentSchema, filePathSchema } from "./files.ts";
import { containerIdSchema, projectIdSchema, sessionIdSchema } from "./ids.ts";
import { healthStatusSchema } from "./session.ts";

/**
 * The protocol between orchestrator and agent: HTTP over the container's *control* endpoint.
 *
 * | call | body → answer |
 * |---|---|
 * | `GET /health` | → agentHealthSchema |
 * | `GET /identity` | → identitySchema |
 * | `POST /bind` | bindSchema → bindResultSchema. Binds a pool member to its session, writes files, (re)starts the server if it has to |
 * | `GET /files?path&recursive` | → `{items: [{path, kind, size}]}` |
 * | `GET/PUT/DELETE /files/<path>` | raw bytes |
 * | `POST /files` | applyFilesSchema → `{written, deleted}`: atomic per file (write beside, then rename) |
 * | `POST /restart` | → 202; the dev server is ended and started again |
 * | `POST /exec` | execSchema → execResultSchema |
 * | `GET /logs?follow=1&since=<seq>` | → ndjson of sequencedLogSchema |
 * | `GET /events?since=<seq>` | → ndjson of agentEventSchema, the backlog first, then live; open until the client leaves |
 *
 * Errors are problem+json with a code of the error table.
 */
export const AGENT_PROTOCOL_VERSION = 1;

/** How the dev server is run. Made by the workspace package, executed by the agent. */
export const runSpecSchema = z.object({
  /** Program and arguments, run in the workspace folder (or `cwd` below it). */
  command: z.array(z.string()).min(1),
  /** Relative to the workspace root; "." for the root itself. */
  cwd: z.string(),
  env: z.record(z.string(), z.string()),
  /** Port the dev server is told to listen on inside the container. */
  port: z.int(),
  ready: z.object({ path: z.string(), timeoutMs: z.int() }),
  /**
   * `preload`: a Node dev server whose own HTTP server accepts the app socket (no second hop).
   * `bridge`: anything else; the agent forwards the app socket to the port.
   */
  listen: z.enum(["preload", "bridge"]),
  /** Installed by the agent in the workspace before the server starts (linked directories); null: already there. */
  install: z
    .object({ command: z.array(z.string()).min(1), env: z.record(z.string(), z.string()) })
    .nullable(),
});
export type RunSpec = z.infer<typeof runSpecSchema>;

/** Who a container is. A pool member has no session yet. */
export const identitySchema = z.object({
  containerId: containerIdSchema,
  sessionId: sessionIdSchema.nullable(),
  projectId: projectIdSchema.nullable(),
  generation: z.int(),
});
export type Identity = z.infer<typeof identitySchema>;

/** What the agent reads at start from the file named by `VELOCITY_AGENT_CONFIG`. */
export const agentConfigSchema = z.object({
  protocol: z.literal(AGENT_PROTOCOL_VERSION),
  identity: identitySchema,
  workspace: z.string(),
  /** Folder with the sockets `control.sock` and `app.sock` (and `port-<n>.sock` for further ports). */
  socketDir: z.string(),
  logFile: z.string(),
  /** Unix socket of the egress proxy; null: no network at all. */
  egressSocket: z.string().nullable(),
  /** Start the dev server at once; null: wait for `POST /bind`. */
  run: runSpecSchema.nullable(),
});
export type AgentConfig = z.infer<typeof agentConfigSchema>;

export const applyFilesSchema = z.object({
  files: z.array(fileContentSchema),
  deletes: z.array(filePathSchema),
});
export type ApplyFiles = z.infer<typeof applyFilesSchema>;

export const bindSchema = applyFilesSchema.extend({
  sessionId: sessionIdSchema,
  projectId: projectIdSchema,
  generation: z.int(),
  /** The server is restarted only if this differs from how it runs now (command, env, port). */
  run: runSpecSchema,
});
export type Bind = z.infer<typeof bindSchema>;
export const bindResultSchema = z.object({ identity: identitySchema, serverRestarted: z.boolean() });
export type BindResult = z.infer<typeof bindResultSchema>;

/** What the dev server is doing. `failed`: it exited or the install failed; the agent serves a page that says so. */
export const serverStatusSchema = z.enum([
  "idle",
  "installing",
  "starting",
  "listening",
  "failed",
  "stopped",
]);
export type ServerStatus = z.infer<typeof serverStatusSchema>;

export const agentEventSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("server"),
    seq: z.int(),
    at: z.iso.datetime(),
    status: serverStatusSchema,
    /** The port it really listens on, once known. */
    port: z.int().nullable(),
    error: z.object({ code: z.string(), message: z.string(), log: z.array(z.string()) }).nullable(),
  }),
  z.object({ type: z.literal("log"), seq: z.int(), line: logLineSchema }),
  z.object({
    type: z.literal("file"),
    seq: z.int(),
    at: z.iso.datetime(),
    changed: z.array(z.string()),
    deleted: z.array(z.string()),
  }),
]);
export type AgentEvent = z.infer<typeof agentEventSchema>;

/** One line of `GET /logs`: a log line with its number, to go on from with `since`. */
export const sequencedLogSchema = logLineSchema.extend({ seq: z.int() });
export type SequencedLog = z.infer<typeof sequencedLogSchema>;

/** One entry of `GET /files`. `path` is relative to the workspace root; links are not followed. */
export const agentFileEntrySchema = z.object({
  path: z.string(),
  kind: z.enum(["file", "directory", "symlink"]),
  size: z.int(),
});
export type AgentFileEntry = z.infer<typeof agentFileEntrySchema>;

export const execSchema = z.strictObject({
  command: z.array(z.string()).min(1).max(1000),
  cwd: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
  timeoutMs: z.int().min(1).max(600_000).optional(),
});
export type Exec = z.infer<typeof execSchema>;
export const execResultSchema = z.object({
  exitCode: z.int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  truncated: z.boolean(),
});
export type ExecResult = z.infer<typeof execResultSchema>;

/** The agent's own `/health`, as fixed in the interface. */
export const agentHealthSchema = z.object({
  status: healthStatusSchema,
  timestamp: z.iso.datetime(),
  projectId: projectIdSchema.nullable(),
  sessionId: sessionIdSchema.nullable(),
  machineId: z.string(),
  generation: z.int(),
  devServerPort: z.int().nullable(),
  isInitialized: z.boolean(),
  /** Seconds since the agent started. */
  uptime: z.number(),
  checks: z.object({ devServer: healthStatusSchema, orchestrator: healthStatusSchema }),
  realtime: z.object({
    connected: z.boolean(),
    retryCount: z.int(),
    maxRetryAttempts: z.int(),
    hasReconnectTimer: z.boolean(),
  }),
});
export type AgentHealth = z.infer<typeof agentHealthSchema>;
