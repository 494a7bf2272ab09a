import { type SuspendLevel, VelocityError } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { Leaving, Superseded, toFailure } from "../failure.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import { bounded, handleOf } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";

const FREEZE_MS = 20_000;
const STOP_MS = 40_000;

/**
 * Puts a session's container to sleep: `frozen` keeps its memory, `hibernated` only its workspace. With the operation on
 * the row new requests are held; they wake it again when it is done.
 */
export async function suspendSession(
  core: CoreContext,
  op: OperationContext,
  level: SuspendLevel,
  reason: string,
): Promise<void> {
  const { owned } = op;
  const row = await core.ledger.container(owned.record.containerId);
  const handle =
    row === null || row.status === "destroyed"
      ? null
      : await bounded(core, (signal) => handleOf(core, row, signal), STOP_MS, op.signal);
  try {
    if (handle !== null) await op.phase("suspend", () => sleep(core, op, handle, level));
    await op.step("asleep");
  } catch (error) {
    op.signal.throwIfAborted();
    await recoverFrom(core, op, handle, level, error);
  }
  if (level === "hibernated" && handle !== null) core.watches.close(handle.containerId);
  const at = handle === null ? "hibernated" : level;
  const metadata = {
    containerId: owned.record.containerId,
    projectVersion: handle === null ? null : core.projectFiles.synced(handle.containerId),
  };
  const patch = { operation: null, suspendedAt: core.clock.now() };
  if (owned.record.state === "suspended" && owned.record.level === at) await owned.write(patch);
  else await owned.transition({ state: "suspended", level: at, reason, metadata }, patch);
  await op.step("suspended");
}

async function sleep(
  core: CoreContext,
  op: OperationContext,
  handle: ContainerHandle,
  level: SuspendLevel,
): Promise<void> {
  if (level === "frozen") {
    await bounded(core, (signal) => core.driver.suspend(handle, { signal }), FREEZE_MS, op.signal);
    return;
  }
  await bounded(core, (signal) => core.driver.stop(handle, { signal }), STOP_MS, op.signal);
}

/** Did the engine do it after all? If so go on; if it positively did not, the session stays as it was. */
async function recoverFrom(
  core: CoreContext,
  op: OperationContext,
  handle: ContainerHandle | null,
  level: SuspendLevel,
  error: unknown,
): Promise<void> {
  if (error instanceof Superseded || error instanceof Leaving || handle === null) throw error;
  const failure = toFailure(error, "driver_failed", "The session could not be suspended.");
  // Uncertain: the operation stays on the row, and the reconciler finishes it.
  const seen = await bounded(core, (signal) => core.driver.inspect(handle, { signal }), STOP_MS, op.signal);
  const wanted = level === "frozen" ? seen.status === "suspended" : seen.status === "stopped";
  if (wanted || seen.status === "gone") return;
  await op.owned.write({ operation: null });
  throw failure;
}

/** How deep a plain `stop` sleeps with this driver. Throws where the driver keeps nothing at all. */
export function stopLevel(core: CoreContext): SuspendLevel {
  return core.driver.capabilities.suspend === "memory" ? "frozen" : "hibernated";
}

export function checkLevel(core: CoreContext, level: SuspendLevel): void {
  if (level === "frozen" && core.driver.capabilities.suspend !== "memory") {
    throw new VelocityError("invalid_state", "This container engine cannot freeze; hibernate instead.");
  }
}
