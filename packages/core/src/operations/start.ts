import type { VelocityError } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { toFailure } from "../failure.ts";
import { newOperation } from "../lifecycle/deadlines.ts";
import { noProject } from "../projects/project-access.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import { bringUp } from "./bring-up.ts";
import type { BroughtUp } from "./brought-up.ts";
import { destroyContainer } from "./destroy-container.ts";
import { isTakenAway } from "./end-asleep.ts";
import type { OperationContext } from "./operation.ts";
import { publish } from "./publish.ts";

/** The first start of a session. Where the platform fails, everything is taken back and the session ends with the error. */
export async function startSession(
  core: CoreContext,
  op: OperationContext,
  early?: Promise<PreparedProject>,
): Promise<BroughtUp> {
  const begunAt = performance.now();
  try {
    // Read after the row was written: whoever removes the project either is seen here or sees this session.
    const project = core.store.projects.get(op.owned.record.projectId);
    project.catch(() => {});
    const up = await bringUp(core, op, early);
    if ((await project) === null) throw noProject();
    op.timings.totalMs = Math.round((performance.now() - begunAt) * 10) / 10;
    await publish(core, op, up, "started");
    await op.step("published");
    return up;
  } catch (error) {
    const taken = isTakenAway(op, error);
    if (taken !== null) throw taken;
    const reason: unknown = op.signal.aborted ? op.signal.reason : error;
    const failure = toFailure(reason, "start_failed", "The session could not be started.");
    await takeBack(core, op, failure);
    throw failure;
  }
}

/** Destroys what a failed start made, then ends the session. What cannot be confirmed gone stays `terminating`. */
export async function takeBack(
  core: CoreContext,
  op: OperationContext,
  failure: VelocityError,
): Promise<void> {
  const { owned } = op;
  const error = { code: failure.code, message: failure.publicMessage };
  await owned.write({ error });
  try {
    await destroyAll(core, owned.record.id);
  } catch (cause) {
    core.log.error(
      { sessionId: owned.record.id, err: cause },
      "a failed start left a container; it is tried again",
    );
    const operation = newOperation("terminating", "destroy", core.ownerId, core.clock.now());
    await owned.write({ operation });
    return;
  }
  await owned.transition(
    { state: "terminated", level: null, reason: "start failed", metadata: { code: failure.code } },
    { operation: null, containerId: null, error, endedAt: core.clock.now() },
  );
  core.bus.lasting(owned.record.id, "error", { ...error, log: logOf(failure) });
}

/** Every container that was ever given to this session. */
export async function destroyAll(
  core: CoreContext,
  sessionId: OperationContext["owned"]["record"]["id"],
): Promise<void> {
  const live = await core.store.containers.listLive();
  const own = live.filter((container) => container.sessionId === sessionId);
  const results = await Promise.allSettled(own.map((container) => destroyContainer(core, container)));
  for (const result of results) if (result.status === "rejected") throw result.reason;
}

function logOf(failure: VelocityError): string[] {
  const { log } = failure.context;
  return Array.isArray(log) ? log.filter((line) => typeof line === "string") : [];
}
