import { type ContainerId, type RunSpec, VelocityError } from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { CoreContext } from "../context.ts";
import type { OperationContext } from "./operation.ts";

const PAUSES_MS = [5, 10, 20, 40, 80, 160, 250] as const;
const IDENTITY_MS = 20_000;
const READY_MS = 30_000;

/** Asks through the public route until this container's own generation answers. Throws `start_failed` where it does not. */
export async function probeIdentity(
  core: CoreContext,
  op: OperationContext,
  expected: { readonly containerId: ContainerId; readonly generation: number },
): Promise<void> {
  const sessionId = op.owned.record.id;
  await retried(core, op, IDENTITY_MS, "The preview's own address did not answer.", async (signal) => {
    const identity = await core.probe.identity(sessionId, expected.generation, signal);
    const right =
      identity.sessionId === sessionId &&
      identity.containerId === expected.containerId &&
      identity.generation === expected.generation;
    if (right) return;
    throw new VelocityError("start_failed", "Another container answered at the preview's address.", {
      context: { expected, identity },
    });
  });
}

/** The app gave some complete HTTP answer at its ready path: an error overlay is an answer too. */
export async function probeReady(core: CoreContext, op: OperationContext, run: RunSpec): Promise<void> {
  const { id, generation } = op.owned.record;
  const limit = Math.max(READY_MS, run.ready.timeoutMs);
  await retried(core, op, limit, "The dev server listens but does not answer.", async (signal) => {
    await core.probe.ready(id, generation, run.ready.path, signal);
  });
}

async function retried(
  core: CoreContext,
  op: OperationContext,
  limitMs: number,
  message: string,
  attempt: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const late = new AbortController();
  const ended = new AbortController();
  core.clock.sleep(limitMs, ended.signal).then(
    () => late.abort(new VelocityError("start_failed", message, { cause: last })),
    () => {},
  );
  const signal = AbortSignal.any([op.signal, late.signal]);
  let last: unknown;
  try {
    for (let tries = 0; ; tries++) {
      try {
        return await abortable(attempt(signal), signal);
      } catch (error) {
        if (signal.aborted) throw error;
        last = error;
      }
      await core.clock.sleep(PAUSES_MS[Math.min(tries, PAUSES_MS.length - 1)] ?? 250, signal);
    }
  } finally {
    ended.abort();
  }
}
