import type { CoreContext } from "../context.ts";
import type { ContainerHandle, ContainerObservation } from "../ports/driver.ts";
import type { ContainerRecord } from "../session-record.ts";
import { bounded, destroyContainer, ENGINE_MS, handleOf } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";

export interface Found {
  readonly row: ContainerRecord;
  readonly handle: ContainerHandle;
  readonly seen: ContainerObservation;
}

/** The session's container as the engine shows it. Containers of this session that it no longer points to are removed. */
export async function findContainer(core: CoreContext, op: OperationContext): Promise<Found | null> {
  const session = op.owned.record;
  if (session.generation > 0 || session.containerId !== null) {
    for (const other of await core.store.containers.listLive()) {
      if (other.sessionId === session.id && other.id !== session.containerId)
        await destroyContainer(core, other);
    }
  }
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.status === "destroyed") return null;
  if (row.status === "destroying") {
    await destroyContainer(core, row);
    return null;
  }
  return bounded(
    core,
    async (signal) => {
      const handle = await handleOf(core, row, signal);
      if (handle === null) return gone(core, row);
      const seen = await core.driver.inspect(handle, { signal });
      if (seen.status === "gone") return gone(core, row);
      // Its maker may have died between the engine's answer and the note of it.
      const noted =
        row.ref === handle.ref && row.status === "assigned"
          ? row
          : await core.ledger.patchContainer(row, { ref: handle.ref, status: "assigned" });
      return { row: noted, handle, seen };
    },
    ENGINE_MS,
    op.signal,
  );
}

async function gone(core: CoreContext, row: ContainerRecord): Promise<null> {
  core.watches.close(row.id);
  await core.ledger.patchContainer(row, { status: "destroyed" });
  return null;
}
