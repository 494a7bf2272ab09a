import {
  type OperationKind,
  type SessionId,
  type StartOptions,
  type StartSource,
  VelocityError,
} from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { noTimings } from "../operations/operation.ts";
import { sessionHealthy } from "../operations/session-healthy.ts";
import type { Verbs } from "../operations/verbs.ts";
import type { Activity } from "../routing/activity.ts";
import type { SessionRecord } from "../session-record.ts";
import type { Begun, Started } from "./begun.ts";

const MAX_ROUNDS = 8;
/** Who finds one of these under way on a session that it wants awake has nothing to do but wait. */
const WAKING: readonly OperationKind[] = ["starting", "resuming", "replacing"];

export type Reuse = (session: SessionRecord, options: StartOptions) => Begun;

/** Hands out sessions that are there already. */
export function createReuse(core: CoreContext, verbs: Verbs, activity: Activity): Reuse {
  const { ledger, clock } = core;

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

  return reuse;
}

function sameEnv(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
