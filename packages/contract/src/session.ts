import { z } from "zod";
import {
  containerIdSchema,
  projectIdSchema,
  sessionIdSchema,
  snapshotIdSchema,
  userIdSchema,
} from "./ids.ts";

export const sessionStateSchema = z.enum(["pending", "active", "suspended", "disconnected", "terminated"]);
export type SessionState = z.infer<typeof sessionStateSchema>;

/** How deep a suspended session sleeps: `frozen` keeps memory, `hibernated` only the workspace. */
export const suspendLevelSchema = z.enum(["frozen", "hibernated"]);
export type SuspendLevel = z.infer<typeof suspendLevelSchema>;

/** `auto` is resolved at start; a stored session is persistent or ephemeral. */
export const sessionModeSchema = z.enum(["persistent", "ephemeral", "auto"]);
export type SessionMode = z.infer<typeof sessionModeSchema>;

export const tierSchema = z.enum(["local", "free", "pro", "team"]);
export type Tier = z.infer<typeof tierSchema>;

export const visibilitySchema = z.enum(["public", "private"]);
export type Visibility = z.infer<typeof visibilitySchema>;

/** Limits of a container. `cpus` in cores, the others in mebibytes. Null: no limit. */
export const resourcesSchema = z.object({
  cpus: z.number().positive().nullable(),
  memoryMb: z.int().positive().nullable(),
  diskMb: z.int().positive().nullable(),
});
export type Resources = z.infer<typeof resourcesSchema>;

export const operationKindSchema = z.enum([
  "starting",
  "resuming",
  "freezing",
  "hibernating",
  "snapshotting",
  "restoring",
  "restarting",
  "replacing",
  "terminating",
]);
export type OperationKind = z.infer<typeof operationKindSchema>;

/**
 * Steps of an operation, in the order people see them. `project` loads files, `container` claims or creates,
 * `dependencies` installs, `server` starts the dev server, `probe` asks through the public route, `publish` announces.
 */
export const phaseSchema = z.enum([
  "queued",
  "project",
  "container",
  "files",
  "dependencies",
  "server",
  "probe",
  "publish",
  "suspend",
  "destroy",
]);
export type Phase = z.infer<typeof phaseSchema>;

export const healthStatusSchema = z.enum(["unknown", "healthy", "unhealthy"]);
export type HealthStatus = z.infer<typeof healthStatusSchema>;

const timestamp = z.iso.datetime();

/** The session as the API shows it. */
export const sessionSchema = z.object({
  id: sessionIdSchema,
  projectId: projectIdSchema,
  userId: userIdSchema,
  state: sessionStateSchema,
  level: suspendLevelSchema.nullable(),
  mode: z.enum(["persistent", "ephemeral"]),
  tier: tierSchema,
  resources: resourcesSchema,
  url: z.string(),
  previewUrl: z.string().nullable(),
  visibility: visibilitySchema,
  container: z
    .object({ id: containerIdSchema, driver: z.string(), ref: z.string(), generation: z.int() })
    .nullable(),
  createdAt: timestamp,
  lastActivityAt: timestamp,
  expiresAt: timestamp.nullable(),
  suspendedAt: timestamp.nullable(),
  endedAt: timestamp.nullable(),
  reconnectCount: z.int(),
  parentSessionId: sessionIdSchema.nullable(),
  restoredSnapshotId: snapshotIdSchema.nullable(),
  operation: z.object({ kind: operationKindSchema, phase: phaseSchema, startedAt: timestamp }).nullable(),
  health: z.object({
    status: healthStatusSchema,
    checkedAt: timestamp.nullable(),
    checks: z.object({
      http: healthStatusSchema,
      process: healthStatusSchema,
      resources: healthStatusSchema,
    }),
  }),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type Session = z.infer<typeof sessionSchema>;

/** Body of `POST /api/sessions/start`. Unknown fields are refused. */
export const startRequestSchema = z.strictObject({
  projectId: projectIdSchema,
  userId: userIdSchema.optional(),
  forceNew: z.boolean().default(false),
  mode: sessionModeSchema.optional(),
  tier: tierSchema.optional(),
  resources: z
    .strictObject({
      cpus: z.number().positive().optional(),
      memoryMb: z.int().positive().optional(),
      diskMb: z.int().positive().optional(),
    })
    .optional(),
  template: z.string().min(1).max(64).optional(),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be an environment variable name"),
      z.string().max(32_768),
    )
    .optional(),
  visibility: visibilitySchema.optional(),
  wait: z.boolean().default(true),
  waitMs: z.int().min(0).max(600_000).default(120_000),
});
export type StartRequest = z.input<typeof startRequestSchema>;
export type StartOptions = z.output<typeof startRequestSchema>;

export const startSourceSchema = z.enum(["pool", "cold", "resumed", "reused", "joined"]);
export type StartSource = z.infer<typeof startSourceSchema>;

/** Where the time of a start went, in milliseconds. Null: that step was not needed. */
export const startTimingsSchema = z.object({
  claimMs: z.number().nullable(),
  filesMs: z.number().nullable(),
  dependenciesMs: z.number().nullable(),
  serverMs: z.number().nullable(),
  probeMs: z.number().nullable(),
  totalMs: z.number().nullable(),
});
export type StartTimings = z.infer<typeof startTimingsSchema>;

export const startResponseSchema = z.object({
  session: sessionSchema,
  reused: z.boolean(),
  source: startSourceSchema,
  timings: startTimingsSchema,
});
export type StartResponse = z.infer<typeof startResponseSchema>;

/** One row of `GET /api/sessions/:id/history`, oldest first. */
export const historyEntrySchema = z.object({
  id: z.string(),
  sessionId: sessionIdSchema,
  at: timestamp,
  fromState: sessionStateSchema.nullable(),
  toState: sessionStateSchema,
  level: suspendLevelSchema.nullable(),
  generation: z.int(),
  reason: z.string(),
  metadata: z.record(z.string(), z.unknown()),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** Every list of the API. `nextCursor` is opaque; null at the end. */
export function listSchema<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}
