import {
  type ExecResult,
  type LogLine,
  logLineSchema,
  type OperationKind,
  type Resources,
  type SessionEvent,
  type SessionId,
  type StartOptions,
  type StartSource,
  sessionIdSchema,
  TIERS,
  type Tier,
  type UserId,
  VelocityError,
} from "@velocity/contract";
import type { CoreContext } from "./context.ts";
import { forCaller } from "./failure.ts";
import { reuseCandidates } from "./lifecycle/reuse.ts";
import type { BroughtUp } from "./operations/brought-up.ts";
import { bounded } from "./operations/destroy-container.ts";
import { noTimings, type OperationContext } from "./operations/operation.ts";
import { sessionHealthy } from "./operations/session-healthy.ts";
import { startSession } from "./operations/start.ts";
import type { Verbs } from "./operations/verbs.ts";
import { ensureProject, fillEmpty } from "./projects/ensure-project.ts";
import { mayUse } from "./projects/project-access.ts";
import type { Activity } from "./routing/activity.ts";
import type { Caller, SessionService, SessionView, StartOutcome } from "./services.ts";
import type { SessionRecord } from "./session-record.ts";

const MAX_ROUNDS = 8;
/** Who finds one of these under way on a session that it wants awake has nothing to do but wait. */
const WAKING: readonly OperationKind[] = ["starting", "resuming", "replacing"];

export function createSessionService(core: CoreContext, verbs: Verbs, activity: Activity): SessionService {
  const { ledger, store, clock } = core;

  async function own(caller: Caller, id: SessionId): Promise<SessionRecord> {
    const session = await ledger.current(id);
    if (session === null || !mayUse(caller, { ownerId: session.userId })) {
      throw new VelocityError("not_found", "There is no such session.");
    }
    return session;
  }

  async function view(id: SessionId): Promise<SessionView> {
    const session = await ledger.current(id);
    if (session === null) throw new VelocityError("not_found", "There is no such session.");
    return viewOf(session);
  }

  async function viewOf(stored: SessionRecord): Promise<SessionView> {
    // The phase changes too often to be written; who runs the operation knows it.
    const phase = core.operations.phaseOf(stored.id);
    const session =
      stored.operation === null || phase === null
        ? stored
        : { ...stored, operation: { ...stored.operation, phase } };
    return { session, container: await ledger.container(session.containerId) };
  }

  async function done(caller: Caller, id: SessionId, verb: () => Promise<unknown>): Promise<SessionView> {
    await own(caller, id);
    try {
      await verb();
    } catch (error) {
      throw forCaller(error);
    }
    return view(id);
  }

  interface Started {
    readonly id: SessionId;
    readonly created: boolean;
    readonly source: StartSource;
    readonly timings: StartOutcome["timings"];
  }

  interface Begun {
    readonly id: SessionId;
    readonly created: boolean;
    /** The operation, which goes on whoever waits for it. */
    readonly finished: Promise<Started>;
    /** What is known before it has finished. */
    sofar(): Pick<Started, "source" | "timings">;
  }

  async function begin(caller: Caller, options: StartOptions): Promise<Begun> {
    const userId = userOf(caller, options.userId);
    const known = await ensureProject(core, caller, options.projectId, options.template);
    const mode = modeOf(core, options);
    if (!options.forceNew && core.settings.enableSessionReuse) {
      const candidate = reuseCandidates(await store.sessions.findLive(known.id, userId), mode)[0];
      if (candidate !== undefined) {
        return reuse(ledger.remember(candidate), options);
      }
    } else if (mode === "persistent") {
      for (const old of await store.sessions.findLive(known.id, userId)) {
        if (old.mode === "persistent") await verbs.terminate(old.id, "replaced by a new session");
      }
    }
    const project = await fillEmpty(core, known, options.template);
    const id = sessionIdSchema.parse(core.newId());
    const begunAt = performance.now();
    const early = core.projectFiles.prepare(project.id, project);
    early.catch(() => {});
    const inserted = Promise.withResolvers<void>();
    let running: OperationContext | null = null;
    const now = clock.now();
    const { tier, resources } = limitsOf(core, caller, options);
    const begun = core.operations.beginNew<BroughtUp>(
      {
        id,
        projectId: project.id,
        userId,
        state: "pending",
        level: null,
        mode,
        tier,
        resources,
        visibility: options.visibility ?? core.settings.visibility,
        env: options.env ?? {},
        generation: 0,
        containerId: null,
        health: {
          status: "unknown",
          checkedAt: null,
          checks: { http: "unknown", process: "unknown", resources: "unknown" },
        },
        error: null,
        createdAt: now,
        lastActivityAt: now,
        expiresAt: null,
        suspendedAt: null,
        endedAt: null,
        reconnectCount: 0,
        parentSessionId: null,
        restoredSnapshotId: null,
      },
      options.forceNew ? "started anew" : "started",
      (op) => {
        inserted.resolve();
        running = op;
        return startSession(core, op, early);
      },
    );
    begun.catch(() => {});
    const first = await Promise.race([inserted.promise.then(() => null), begun]);
    if (first !== null && first.kind === "exists") {
      return reuse(first.session, options);
    }
    const sofar = () => ({
      source: running?.source ?? "cold",
      timings: { ...(running?.timings ?? noTimings()) },
    });
    const finished = begun.then((result): Started => {
      if (result.kind === "exists") throw new VelocityError("internal", "The session was already there.");
      core.pool.notice(project.template);
      const totalMs = Math.round((performance.now() - begunAt) * 10) / 10;
      return { id, created: true, source: result.value.source, timings: { ...sofar().timings, totalMs } };
    });
    return { id, created: true, finished, sofar };
  }

  /** An existing session is handed out only once it is known to be well; where it is not, it is brought back first. */
  function reuse(session: SessionRecord, options: StartOptions): Begun {
    const begunAt = performance.now();
    const { id } = session;
    let ahead = sourceAhead(session);
    const finished = (async (): Promise<Started> => {
      const source = await settle(id, (now) => {
        ahead = now;
      });
      await applyOptions(id, options);
      activity.touch(id);
      const totalMs = Math.round((performance.now() - begunAt) * 10) / 10;
      return { id, created: false, source, timings: { ...noTimings(), totalMs } };
    })();
    return { id, created: false, finished, sofar: () => ({ source: ahead, timings: noTimings() }) };
  }

  /** Where a session that is handed out will have come from, as far as its row tells. */
  function sourceAhead(session: SessionRecord): StartSource {
    const { operation } = session;
    if (operation !== null && WAKING.includes(operation.kind) && !core.operations.isAbandoned(session))
      return "joined";
    if (session.state === "pending") return "cold";
    return session.state === "suspended" || operation !== null ? "resumed" : "reused";
  }

  async function settle(id: SessionId, tell: (source: StartSource) => void): Promise<StartSource> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const session = round === 0 ? await ledger.current(id) : await ledger.read(id);
      if (session === null || session.state === "terminated") {
        throw new VelocityError("start_failed", session?.error?.message ?? "The session ended meanwhile.", {
          context: { code: session?.error?.code },
        });
      }
      const ahead = sourceAhead(session);
      tell(ahead);
      if (session.state === "pending" || session.state === "suspended" || session.operation !== null) {
        const source = await verbs.wake(id);
        if ((await ledger.current(id))?.state === "active") return ahead === "joined" ? "joined" : source;
        continue;
      }
      if (session.state === "disconnected") {
        const to = { state: "active", level: null, reason: "reconnected" } as const;
        await ledger.transition(session, to, { lastActivityAt: clock.now() });
        continue;
      }
      if (await sessionHealthy(core, session)) return "reused";
      tell("resumed");
      await verbs.replace(id, { fresh: false, reason: "was unhealthy" });
      return "resumed";
    }
    throw new VelocityError("conflict", "The session kept changing; try again.");
  }

  /** Settings that a start of an existing session may change: environment (restarts the server) and visibility. */
  async function applyOptions(id: SessionId, options: StartOptions): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const session = round === 0 ? await ledger.current(id) : await ledger.read(id);
      if (session === null || session.state !== "active") return;
      const env = options.env !== undefined && !sameEnv(options.env, session.env) ? options.env : undefined;
      const visibility = options.visibility !== session.visibility ? options.visibility : undefined;
      if (env === undefined && visibility === undefined) return;
      const patch = {
        ...(env === undefined ? {} : { env }),
        ...(visibility === undefined ? {} : { visibility }),
      };
      const written = await ledger.patch(session, patch);
      if (written.kind === "stale") continue;
      if (env !== undefined) await verbs.restart(id, "server");
      return;
    }
  }

  return {
    async start(caller, options) {
      try {
        for (let round = 0; ; round++) {
          const { id, created, finished, sofar } = await begin(caller, options);
          finished.catch(() => {});
          const late = new AbortController();
          const patience =
            options.wait && options.waitMs > 0
              ? clock.sleep(options.waitMs, late.signal).then(
                  () => null,
                  () => null,
                )
              : Promise.resolve(null);
          const outcome = await Promise.race([finished, patience])
            .catch(async (error: unknown) => {
              // The session that was to be reused ended meanwhile: the next look finds none and makes one.
              const ended = !created && round < 3 && (await ledger.read(id))?.state === "terminated";
              const startFailed = ended && ledger.peek(id)?.error !== null;
              if (ended && !startFailed) return "again" as const;
              throw error;
            })
            .finally(() => late.abort());
          if (outcome === "again") continue;
          const seen = await view(id);
          if (outcome === null) {
            return { ...seen, created, reused: !created, done: false, ...sofar() };
          }
          const { source, timings } = outcome;
          return { ...seen, created, reused: !created, done: true, source, timings };
        }
      } catch (error) {
        throw forCaller(error);
      }
    },

    async get(caller, id) {
      return viewOf(await own(caller, id));
    },

    async list(caller, filter, page) {
      const all = caller.role === "admin" || caller.createsUnknownProjects;
      if (!all && filter.userId !== undefined && filter.userId !== caller.userId)
        return { items: [], nextCursor: null };
      const found = await store.sessions.list(all ? filter : { ...filter, userId: caller.userId }, page);
      return { items: await Promise.all(found.items.map(viewOf)), nextCursor: found.nextCursor };
    },

    stop: (caller, id) => done(caller, id, () => verbs.stop(id, "stopped")),
    suspend: (caller, id, level) => done(caller, id, () => verbs.suspend(id, level, "suspended")),
    resume: (caller, id) => done(caller, id, () => verbs.wake(id)),
    restart: (caller, id, target) => done(caller, id, () => verbs.restart(id, target)),
    terminate: (caller, id) => done(caller, id, () => verbs.terminate(id, "terminated")),

    async heartbeat(caller, id) {
      const session = await own(caller, id);
      if (session.state === "terminated") {
        throw new VelocityError("invalid_state", "The session is terminated and takes no heartbeat.");
      }
      activity.touch(id);
      return view(id);
    },

    async history(caller, id, page) {
      await own(caller, id);
      return store.sessions.history(id, page);
    },

    async events(caller, id, afterId, signal) {
      await own(caller, id);
      return core.bus.subscribe(id, afterId, signal);
    },

    async logs(caller, id, { follow, signal }) {
      const session = await own(caller, id);
      const held = core.bus.lines(id).map((event) => event.data);
      const backlog = held.length > 0 ? held.map(lineOf) : await engineLog(core, session, signal);
      if (!follow) return iterate(backlog);
      const last = core.bus.lines(id).at(-1)?.id ?? null;
      return follow_(backlog, await core.bus.subscribe(id, last, signal));
    },

    async exec(caller, id, command, signal): Promise<ExecResult> {
      await own(caller, id);
      activity.touch(id);
      try {
        await verbs.wake(id);
        const { container } = await view(id);
        if (container === null || container.ref === null) {
          throw new VelocityError("session_unavailable", "The session has no running container.");
        }
        const at = core.driver.endpoint({ containerId: container.id, ref: container.ref }, "control");
        return await core.agent.exec(at, command, signal);
      } catch (error) {
        throw forCaller(error);
      }
    },
  };
}

function userOf(caller: Caller, asked: UserId | undefined): UserId {
  if (asked === undefined || asked === caller.userId) return caller.userId;
  if (caller.role === "admin" || caller.createsUnknownProjects) return asked;
  throw new VelocityError("forbidden", "Only an administrator may start a session for someone else.");
}

function modeOf(core: CoreContext, options: StartOptions): SessionRecord["mode"] {
  const asked = options.mode ?? core.settings.preferredSessionMode;
  if (asked !== "auto") return asked;
  return core.driver.capabilities.suspend === "none" ? "ephemeral" : "persistent";
}

function limitsOf(
  core: CoreContext,
  caller: Caller,
  options: StartOptions,
): { tier: Tier; resources: Resources } {
  const free = caller.role === "admin" || caller.createsUnknownProjects;
  const tier = options.tier !== undefined && free ? options.tier : core.settings.tier;
  const limit = TIERS[tier].resources;
  const resources = {
    cpus: within("cpus", limit.cpus, options.resources?.cpus),
    memoryMb: within("memoryMb", limit.memoryMb, options.resources?.memoryMb),
    diskMb: within("diskMb", limit.diskMb, options.resources?.diskMb),
  };
  return { tier, resources };
}

function within(name: string, limit: number | null, asked: number | undefined): number | null {
  if (asked === undefined) return limit;
  if (limit === null || asked <= limit) return asked;
  const message = `${name} may be at most ${limit} in this tier.`;
  throw new VelocityError("validation", message, {
    errors: [{ path: `resources.${name}`, code: "too_big", message }],
  });
}

function sameEnv(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
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
      (limit) => core.driver.logs(handle, { tail: 1_000 }, { signal: limit }),
      5_000,
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

async function* follow_(
  backlog: readonly LogLine[],
  events: AsyncIterable<SessionEvent>,
): AsyncIterable<LogLine> {
  yield* backlog;
  for await (const event of events) if (event.type === "log") yield lineOf(event.data);
}
