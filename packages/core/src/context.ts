import type { InstallId } from "@velocity/contract";
import type { CoreDeps } from "./deps.ts";
import type { EventBus } from "./events/event-bus.ts";
import type { Watches } from "./events/watches.ts";
import type { Operations } from "./operations/operations.ts";
import type { Pool } from "./pool/pool.ts";
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
  newId(): string;
  installId(): Promise<InstallId>;
}
