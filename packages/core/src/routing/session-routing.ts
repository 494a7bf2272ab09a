import type { CoreContext } from "../context.ts";
import { forCaller } from "../failure.ts";
import type { SessionRouting } from "../services.ts";
import type { Activity } from "./activity.ts";
import { resolveRoute } from "./resolve-route.ts";

/** The gateway's view. Answers come from memory; the store is asked only for a session not seen before. */
export function createSessionRouting(
  core: CoreContext,
  activity: Activity,
  wake: SessionRouting["wake"],
): SessionRouting {
  return {
    async resolve(id, options) {
      const session = core.ledger.peek(id) ?? (await core.ledger.read(id));
      if (session === null) return { kind: "missing" };
      const container = await core.ledger.container(session.containerId);
      return resolveRoute(session, container, core.driver, options?.probeGeneration);
    },
    async wake(id) {
      try {
        await wake(id);
      } catch (error) {
        throw forCaller(error);
      }
    },
    touch: (id) => activity.touch(id),
    onRouteChange: (listener) => core.ledger.onRouteChange(listener),
  };
}
