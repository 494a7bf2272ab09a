import { DEMO_PROJECT_ID, LOCAL_USER_ID } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { bounded, destroyContainer } from "../operations/destroy-container.ts";
import type { Verbs } from "../operations/verbs.ts";
import { createFromTemplate } from "../projects/ensure-project.ts";
import type { Activity } from "../routing/activity.ts";
import type { Controllers } from "../services.ts";
import type { SessionRecord } from "../session-record.ts";
import { Reconciler } from "./reconciler.ts";

export function createControllers(core: CoreContext, verbs: Verbs, activity: Activity): Controllers {
  const reconciler = new Reconciler(core, verbs);
  const stopping = new AbortController();
  let loops: Promise<unknown>[] = [];
  let leaving: Promise<void> | null = null;

  return {
    async start() {
      await core.installId();
      if (core.settings.demoProject) await ensureDemo(core);
      const { corrections } = await reconciler.pass();
      if (corrections > 0) core.log.info({ corrections }, "took over what an earlier server left");
      loops = [reconciler.run(stopping.signal), activity.run(stopping.signal)];
      for (const template of core.settings.prewarm) core.pool.notice(template);
    },

    async reconcile() {
      const { corrections, repairs } = await reconciler.pass();
      await Promise.all(repairs);
      return { corrections };
    },

    shutdown(how) {
      leaving ??= (async () => {
        stopping.abort(new Error("shutting down"));
        await bounded(core, () => leave(how), core.settings.shutdownMs).catch((error) => {
          core.log.error({ err: error }, "leaving took too long; the next start goes on from here");
        });
        core.watches.closeAll();
        core.bus.close();
      })();
      return leaving;
    },
  };

  async function leave(how: "hibernate" | "leave"): Promise<void> {
    const pool = core.pool.close(how === "leave" ? "leave" : "destroy");
    // Ctrl-C does not wait for a start; a rolling restart lets what is nearly done finish.
    await core.operations.leave(how === "leave" ? Math.min(5_000, core.settings.shutdownMs / 2) : 0);
    await Promise.all([pool, Promise.allSettled(loops)]);
    await activity.flush();
    if (how === "hibernate") await hibernateAll();
  }

  async function hibernateAll(): Promise<void> {
    core.operations.allowHibernating();
    const rows = await core.store.containers.listLive();
    await Promise.allSettled(
      rows.map(async (row) => {
        const session = row.sessionId === null ? null : await core.ledger.read(row.sessionId);
        if (session === null || session.state === "terminated") return destroyContainer(core, row);
        if (sleeps(session)) return;
        if (session.operation === null) return verbs.suspend(session.id, "hibernated", "server stopped");
        // An interrupted operation is repaired by the next server; here only its processes end.
        if (row.ref === null) return destroyContainer(core, row);
        const handle = { containerId: row.id, ref: row.ref };
        return bounded(core, (signal) => core.driver.stop(handle, { signal }));
      }),
    );
    await core.operations.leave(0);
  }
}

function sleeps(session: SessionRecord): boolean {
  return session.state === "suspended" && session.level === "hibernated" && session.operation === null;
}

async function ensureDemo(core: CoreContext): Promise<void> {
  if ((await core.store.projects.get(DEMO_PROJECT_ID)) !== null) return;
  await createFromTemplate(core, {
    id: DEMO_PROJECT_ID,
    template: core.settings.defaultTemplate,
    name: "Demo",
    ownerId: LOCAL_USER_ID,
  });
}
