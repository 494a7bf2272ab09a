import { type LogLine, logLineSchema, type SessionEvent } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { bounded } from "../operations/destroy-container.ts";
import type { SessionRecord } from "../session-record.ts";

const BACKLOG_LINES = 1_000;
const ENGINE_LOG_MS = 5_000;

/** What was heard from a session's container, or else what its engine kept; with `follow` then live until the signal. */
export async function sessionLogs(
  core: CoreContext,
  session: SessionRecord,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
): Promise<AsyncIterable<LogLine>> {
  const held = core.bus.lines(session.id);
  const backlog =
    held.length > 0 ? held.map((event) => lineOf(event.data)) : await engineLog(core, session, signal);
  if (!follow) return iterate(backlog);
  const last = core.bus.lines(session.id).at(-1)?.id ?? null;
  return followed(backlog, await core.bus.subscribe(session.id, last, signal));
}

function lineOf(data: SessionEvent["data"]): LogLine {
  return logLineSchema.parse(data);
}

/** After a restart of the server, or of a container that sleeps: what the engine kept. */
async function engineLog(
  core: CoreContext,
  session: SessionRecord,
  signal: AbortSignal,
): Promise<readonly LogLine[]> {
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.ref === null) return [];
  const handle = { containerId: row.id, ref: row.ref };
  try {
    return await bounded(
      core,
      (limit) => core.driver.logs(handle, { tail: BACKLOG_LINES }, { signal: limit }),
      ENGINE_LOG_MS,
      signal,
    );
  } catch (error) {
    core.log.warn({ sessionId: session.id, err: error }, "the engine's log could not be read");
    return [];
  }
}

async function* iterate<T>(items: readonly T[]): AsyncIterable<T> {
  yield* items;
}

async function* followed(
  backlog: readonly LogLine[],
  events: AsyncIterable<SessionEvent>,
): AsyncIterable<LogLine> {
  yield* backlog;
  for await (const event of events) if (event.type === "log") yield lineOf(event.data);
}
