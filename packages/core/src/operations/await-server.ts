import type { RunSpec } from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { CoreContext } from "../context.ts";
import type { ContainerWatch, ServerState } from "../events/container-watch.ts";
import type { ProjectFailure } from "./dependencies.ts";
import type { OperationContext } from "./operation.ts";

/** The agent's own limit comes first; this one holds where the agent does not speak. */
const MARGIN_MS = 5_000;

/**
 * Waits until the dev server listens or fails, showing an install inside the container as a phase of its own. Null: it
 * listens. Only an agent that never speaks throws; a project that does not run is an answer.
 */
export async function awaitServer(
  core: CoreContext,
  op: OperationContext,
  watch: ContainerWatch,
  run: RunSpec,
  afterSeq: number,
): Promise<ProjectFailure | null> {
  let seq = afterSeq;
  if (run.install !== null) {
    const installed = await op.phase(
      "dependencies",
      () =>
        watch.waitFor((state) => state.status !== "idle" && state.status !== "installing", seq, op.signal),
      { timing: "dependenciesMs" },
    );
    if (isSettled(installed)) return failureOf(installed);
    // The state that ended the install is the one to look at again.
    seq = installed.seq - 1;
  }
  return op.phase("server", () => listening(core, op, watch, run, seq), { timing: "serverMs" });
}

async function listening(
  core: CoreContext,
  op: OperationContext,
  watch: ContainerWatch,
  run: RunSpec,
  seq: number,
): Promise<ProjectFailure | null> {
  const ended = new AbortController();
  try {
    const late = core.clock.sleep(run.ready.timeoutMs + MARGIN_MS, ended.signal).then(() => null);
    late.catch(() => {});
    const signal = AbortSignal.any([op.signal, ended.signal]);
    const settled = watch.waitFor(isSettled, seq, signal);
    settled.catch(() => {});
    const state = await abortable(Promise.race([settled, late]), op.signal);
    return state === null
      ? {
          code: "server_not_listening",
          message: "The dev server did not listen on a port in time.",
          log: [],
        }
      : failureOf(state);
  } finally {
    ended.abort();
  }
}

function isSettled(state: ServerState): boolean {
  return state.status === "listening" || state.status === "failed";
}

function failureOf(state: ServerState): ProjectFailure | null {
  if (state.status !== "failed") return null;
  return state.error ?? { code: "server_exited", message: "The dev server exited.", log: [] };
}
