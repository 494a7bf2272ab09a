import { type SessionId, type StartOptions, sessionIdSchema, VelocityError } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { forCaller } from "../failure.ts";
import { reuseCandidates } from "../lifecycle/reuse.ts";
import type { BroughtUp } from "../operations/brought-up.ts";
import { noTimings, type OperationContext } from "../operations/operation.ts";
import { startSession } from "../operations/start.ts";
import type { Verbs } from "../operations/verbs.ts";
import { ensureProject, fillEmpty } from "../projects/ensure-project.ts";
import type { Caller, SessionService, SessionView } from "../services.ts";
import type { Begun, Started } from "./begun.ts";
import { newSession } from "./new-session.ts";
import type { Reuse } from "./reuse-session.ts";
import { limitsOf, modeOf, userOf } from "./start-options.ts";

/** Looks again for a session to be reused that ended meanwhile. */
const MAX_ROUNDS = 3;

/** `start`: hands out a session of the (project, user) that is there, or makes one. */
export function createStart(
  core: CoreContext,
  verbs: Verbs,
  reuse: Reuse,
  view: (id: SessionId) => Promise<SessionView>,
): SessionService["start"] {
  const { ledger, store, clock } = core;

  async function begin(caller: Caller, options: StartOptions): Promise<Begun> {
    const userId = userOf(caller, options.userId);
    const known = await ensureProject(core, caller, options.projectId, options.template);
    const mode = modeOf(core, options);
    const limits = limitsOf(core, caller, options);
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
    const visibility = options.visibility ?? core.settings.visibility;
    const begun = core.operations.beginNew<BroughtUp>(
      newSession(
        { ...limits, id, projectId: project.id, userId, mode, visibility, env: options.env ?? {} },
        clock.now(),
      ),
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

  return async (caller, options) => {
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
            const ended = !created && round < MAX_ROUNDS && (await ledger.read(id))?.state === "terminated";
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
  };
}
