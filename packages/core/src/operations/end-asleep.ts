import type { CoreContext } from "../context.ts";
import { Leaving, Superseded, toFailure } from "../failure.ts";
import type { OperationContext } from "./operation.ts";
import { settleAsleep } from "./settle-asleep.ts";

/** Whether an operation ended because someone else took over or the process leaves: then nothing more is touched. */
export function isTakenAway(op: OperationContext, error: unknown): unknown {
  const reason: unknown = op.signal.aborted ? op.signal.reason : error;
  if (reason instanceof Superseded || reason instanceof Leaving) return reason;
  return error instanceof Superseded ? error : null;
}

/**
 * Runs what brings an existing session up. A failure never ends the session: it goes to sleep with the error, its
 * workspace intact, and may be tried again.
 */
export async function orAsleep<T>(
  core: CoreContext,
  op: OperationContext,
  message: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const taken = isTakenAway(op, error);
    if (taken !== null) throw taken;
    const reason: unknown = op.signal.aborted ? op.signal.reason : error;
    const failure = toFailure(reason, "start_failed", message);
    await settleAsleep(core, op, { code: failure.code, message: failure.publicMessage });
    throw failure;
  }
}
