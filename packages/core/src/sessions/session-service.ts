import { type ExecResult, type SessionId, VelocityError } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { forCaller } from "../failure.ts";
import type { Verbs } from "../operations/verbs.ts";
import { mayUse } from "../projects/project-access.ts";
import type { Activity } from "../routing/activity.ts";
import type { Caller, SessionService, SessionView } from "../services.ts";
import type { SessionRecord } from "../session-record.ts";
import { createReuse } from "./reuse-session.ts";
import { sessionLogs } from "./session-logs.ts";
import { createStart } from "./start-session.ts";

/** Checks whose a session is, then does what was asked and shows it as it is afterwards. */
export function createSessionService(core: CoreContext, verbs: Verbs, activity: Activity): SessionService {
  const { ledger, store } = core;

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

  return {
    start: createStart(core, verbs, createReuse(core, verbs, activity), view),

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

    async logs(caller, id, options) {
      return sessionLogs(core, await own(caller, id), options);
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
