import { type RunSpec, VelocityError } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { DependencyMount } from "../ports/driver.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import type { SessionRecord } from "../session-record.ts";
import { failedInstallRun, runOf } from "./container-spec.ts";
import type { OperationContext } from "./operation.ts";

/** A project whose dependencies cannot be installed still gets a container, which says so. */
export interface ProjectFailure {
  readonly code: string;
  readonly message: string;
  readonly log: readonly string[];
}

export type Dependencies =
  | { readonly kind: "ready"; readonly mounts: readonly DependencyMount[]; readonly cached: boolean }
  | { readonly kind: "failed"; readonly failure: ProjectFailure };

/** Looks them up or installs them. Only trouble of the machine throws; a project that cannot be installed is an answer. */
export async function loadDependencies(
  core: CoreContext,
  prepared: PreparedProject,
  session: Pick<SessionRecord, "id" | "projectId">,
  signal: AbortSignal,
): Promise<Dependencies> {
  if (prepared.plan.dependencies === null) return { kind: "ready", mounts: [], cached: true };
  try {
    const found = await core.workspace.dependencies(prepared.plan, prepared.tree, {
      projectId: session.projectId,
      signal,
      onLog: (text) =>
        core.bus.line(session.id, {
          at: core.clock.now().toISOString(),
          source: "install",
          stream: "stdout",
          text,
        }),
    });
    return { kind: "ready", ...found };
  } catch (error) {
    if (!(error instanceof VelocityError) || error.code !== "install_failed") throw error;
    return {
      kind: "failed",
      failure: { code: error.code, message: error.publicMessage, log: logLines(error.context.log) },
    };
  }
}

/** The same as a phase of an operation; none where the project has no dependencies. */
export function dependenciesPhase(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
): Promise<Dependencies> {
  if (prepared.plan.dependencies === null)
    return Promise.resolve({ kind: "ready", mounts: [], cached: true });
  return op.phase("dependencies", () => loadDependencies(core, prepared, op.owned.record, op.signal), {
    timing: "dependenciesMs",
    detail: (result) => (result.kind === "failed" ? "failed" : result.cached ? "cached" : "installed"),
  });
}

/** How the container runs with what was found: a failed install is shown by the agent. */
export function runFor(
  prepared: PreparedProject,
  env: SessionRecord["env"],
  dependencies: Dependencies,
): RunSpec {
  const run = runOf(prepared, env);
  return dependencies.kind === "ready" ? run : failedInstallRun(run, dependencies.failure.log);
}

export function failureOf(dependencies: Dependencies): ProjectFailure | null {
  return dependencies.kind === "failed" ? dependencies.failure : null;
}

function logLines(value: unknown): readonly string[] {
  if (typeof value === "string") return value.split("\n");
  return Array.isArray(value) ? value.filter((line) => typeof line === "string") : [];
}
