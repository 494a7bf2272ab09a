import type { InstallId, ProjectId } from "@velocity/contract";
import type { CoreDeps } from "./deps.ts";
import type { EventBus } from "./events/event-bus.ts";
import type { Watches } from "./events/watches.ts";
import type { Operations } from "./operations/operations.ts";
import type { Pool } from "./pool/pool-port.ts";
import type { ProjectFiles } from "./projects/project-files.ts";
import type { SessionLedger } from "./session-ledger.ts";

/** What the parts of core share. Built once by `createCore`. */
export interface CoreContext extends CoreDeps {
  readonly bus: EventBus;
  readonly ledger: SessionLedger;
  readonly operations: Operations;
  readonly watches: Watches;
  readonly projectFiles: ProjectFiles;
  readonly pool: Pool;
  /** Looks again how a project runs, after a save of these paths; in the background. */
  replanAfter(projectId: ProjectId, paths: readonly string[]): void;
  newId(): string;
  installId(): Promise<InstallId>;
}
