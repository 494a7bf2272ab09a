import { randomUUID } from "node:crypto";
import type { InstallId } from "@velocity/contract";
import type { CoreContext } from "./context.ts";
import { createControllers } from "./controllers/controllers.ts";
import type { CoreDeps } from "./deps.ts";
import { EventBus } from "./events/event-bus.ts";
import { Watches } from "./events/watches.ts";
import { Operations } from "./operations/operations.ts";
import { createVerbs } from "./operations/verbs.ts";
import { WarmPool } from "./pool/pool.ts";
import { ProjectFiles } from "./projects/project-files.ts";
import { createProjectService } from "./projects/project-service.ts";
import { replanAfter } from "./projects/replan.ts";
import { Activity } from "./routing/activity.ts";
import { createSessionRouting } from "./routing/session-routing.ts";
import type { Core } from "./services.ts";
import { SessionLedger } from "./session-ledger.ts";
import { createSessionService } from "./sessions/session-service.ts";

/**
 * Builds the core of an orchestrator. Nothing runs until `controllers.start()`; `controllers.shutdown()` ends all that
 * core owns. Store and driver belong to whoever made them, and are closed after that.
 */
export function createCore(deps: CoreDeps): Core {
  const { store, clock, log, ownerId, settings } = deps;
  const bus = new EventBus(store.events, clock, log);
  const ledger = new SessionLedger(store, bus, log, settings.soleOrchestrator);
  const operations = new Operations({
    ledger,
    bus,
    clock,
    log,
    ownerId,
    soleOrchestrator: settings.soleOrchestrator,
    failpoint: (name) => deps.failpoint?.(name),
  });
  let installId: Promise<InstallId> | null = null;
  const core: CoreContext = {
    ...deps,
    directoryTree: (directory) => deps.directoryTree(directory),
    memoryTree: (files) => deps.memoryTree(files),
    newId: () => deps.newId?.() ?? randomUUID(),
    failpoint: (name: string) => deps.failpoint?.(name),
    installId() {
      installId ??= store.installId().catch((error) => {
        installId = null;
        throw error;
      });
      return installId;
    },
    bus,
    ledger,
    operations,
    watches: new Watches({ agent: deps.agent, clock }),
    projectFiles: new ProjectFiles(deps),
    pool: new WarmPool(() => core),
    replanAfter: (projectId, paths) => replanAfter(core, projectId, paths),
  };
  const verbs = createVerbs(core);
  const activity = new Activity({ store, ledger, clock, log });
  return {
    pool: { status: () => core.pool.status() },
    sessions: createSessionService(core, verbs, activity),
    routing: createSessionRouting(core, activity, async (id) => {
      await verbs.wake(id);
    }),
    projects: createProjectService(core, (id) => verbs.terminate(id, "project removed")),
    controllers: createControllers(core, verbs, activity),
  };
}
