import { VelocityError } from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { CoreContext } from "../context.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import type { ContainerRecord } from "../session-record.ts";

/** Pauses after each try, in milliseconds. */
const TRIES_MS = [200, 1_000, 3_000] as const;
/** Destruction is accepted first and takes effect later: looks at each try. */
const LOOKS_MS = [0, 10, 40, 150] as const;
const CALL_MS = 15_000;
/** The most that one call to the engine may take that makes, boots or stops a container. */
export const ENGINE_MS = 60_000;

/**
 * Really destroys a container: asks, then confirms its absence by inspect *and* list. What is absent already is a
 * success. Throws `driver_failed` when the absence cannot be confirmed; the row then stays `destroying`.
 */
export async function destroyContainer(core: CoreContext, container: ContainerRecord): Promise<void> {
  core.watches.close(container.id);
  let row = container;
  if (row.status !== "destroying") row = await core.ledger.patchContainer(row, { status: "destroying" });
  let cause: unknown;
  for (const pause of TRIES_MS) {
    try {
      if (await destroyOnce(core, row)) {
        await core.ledger.patchContainer(row, { status: "destroyed" });
        core.projectFiles.forget(row.id);
        return;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await core.clock.sleep(pause);
  }
  core.log.error({ containerId: row.id, err: cause }, "alert: a container could not be confirmed gone");
  throw new VelocityError("driver_failed", "The container could not be confirmed gone; it is tried again.", {
    context: { containerId: row.id },
    cause,
  });
}

async function destroyOnce(core: CoreContext, row: ContainerRecord): Promise<boolean> {
  return bounded(core, async (signal) => {
    const handle = await handleOf(core, row, signal);
    // Without a reference the engine never answered; what it does not list is not there.
    if (handle === null) return true;
    await core.driver.destroy(handle, { signal });
    for (const pause of LOOKS_MS) {
      if (pause > 0) await core.clock.sleep(pause, signal);
      if (await isGone(core, handle, signal)) return true;
    }
    return false;
  });
}

async function isGone(core: CoreContext, handle: ContainerHandle, signal: AbortSignal): Promise<boolean> {
  const seen = await core.driver.inspect(handle, { signal });
  if (seen.status !== "gone") return false;
  const listed = await core.driver.list({ signal });
  return !listed.some((other) => other.containerId === handle.containerId);
}

/** How the driver knows a container; looked up by label where the reference was never recorded. Null: not listed. */
export async function handleOf(
  core: CoreContext,
  row: ContainerRecord,
  signal: AbortSignal,
): Promise<ContainerHandle | null> {
  if (row.ref !== null) return { containerId: row.id, ref: row.ref };
  const listed = await core.driver.list({ signal });
  const found = listed.find((other) => other.containerId === row.id);
  return found === undefined ? null : { containerId: row.id, ref: found.ref };
}

/** A driver call with a bound of its own, also where the driver ignores its signal. */
export async function bounded<T>(
  core: Pick<CoreContext, "clock">,
  work: (signal: AbortSignal) => Promise<T>,
  ms: number = CALL_MS,
  parent?: AbortSignal,
): Promise<T> {
  const limit = new AbortController();
  const ended = new AbortController();
  core.clock
    .sleep(ms, ended.signal)
    .then(() =>
      limit.abort(new VelocityError("operation_timeout", "The container engine did not answer in time.")),
    )
    .catch(() => {});
  const signal = parent === undefined ? limit.signal : AbortSignal.any([parent, limit.signal]);
  try {
    return await abortable(work(signal), signal);
  } finally {
    ended.abort();
  }
}
