import { z } from "zod";

/** Kinds of server-sent events of a session. */
export const eventTypeSchema = z.enum([
  "state",
  "phase",
  "health",
  "console",
  "error",
  "log",
  "expiring",
  "reconnected",
  "file",
]);
export type EventType = z.infer<typeof eventTypeSchema>;

/**
 * One event. `id` grows with time within a session and is what `Last-Event-ID` carries.
 * `data` by type: state `{state, level, from, reason}` · phase `{operation, phase, status: "begin"|"end", ms?, detail?}` ·
 * log `LogLine` · error `{code, message, log?: string[]}` · file `{version, changed: string[], deleted: string[]}`.
 */
export const sessionEventSchema = z.object({
  id: z.string(),
  type: eventTypeSchema,
  at: z.iso.datetime(),
  data: z.record(z.string(), z.unknown()),
});
export type SessionEvent = z.infer<typeof sessionEventSchema>;

/** Where a log line came from: the installer, the dev server, or Velocity's own agent. */
export const logSourceSchema = z.enum(["install", "server", "agent"]);
export const logLineSchema = z.object({
  at: z.iso.datetime(),
  source: logSourceSchema,
  stream: z.enum(["stdout", "stderr"]),
  text: z.string(),
});
export type LogLine = z.infer<typeof logLineSchema>;
