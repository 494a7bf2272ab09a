import type { ProjectId } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { DEPENDENCIES_LABEL, runOf } from "../operations/container-spec.ts";
import { bounded } from "../operations/destroy-container.ts";
import { replaceContainer } from "../operations/replace.ts";
import type { SessionRecord } from "../session-record.ts";
import { liveSessions } from "./push-to-sessions.ts";

/** Files that say how a project is installed and run. */
const PLANNING =
  /(^|\/)(package\.json|velocity\.json|pnpm-lock\.yaml|pnpm-workspace\.yaml|package-lock\.json|npm-shrinkwrap\.json|yarn\.lock|bun\.lockb?|\.npmrc|\.pnpmfile\.cjs|\.yarnrc\.yml)$/;

/** After a save that may change how the project runs: looks again, in the background. Other saves cost nothing. */
export function replanAfter(core: CoreContext, projectId: ProjectId, paths: readonly string[]): void {
  if (!paths.some((path) => PLANNING.test(path))) return;
  void replan(core, projectId).catch((error) => {
    core.log.warn({ projectId, err: error }, "a project could not be planned again after a save");
  });
}

async function replan(core: CoreContext, projectId: ProjectId): Promise<void> {
  const awake = (await liveSessions(core, projectId)).filter((session) => session.state === "active");
  for (const session of awake) {
    try {
      await apply(core, session);
    } catch (error) {
      core.log.warn(
        { sessionId: session.id, err: error },
        "a session could not follow its project's new plan",
      );
    }
  }
}

/** Other dependencies, or ones that failed to install, need another container; another command only a bind. */
async function apply(core: CoreContext, session: SessionRecord): Promise<void> {
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.ref === null) return;
  const handle = { containerId: row.id, ref: row.ref };
  const prepared = await core.projectFiles.prepare(session.projectId);
  const seen = await bounded(core, (signal) => core.driver.inspect(handle, { signal }));
  if (seen.status !== "running") return;
  const dependencies = prepared.plan.dependencies?.key ?? "";
  const failed = session.error?.code === "install_failed";
  if (failed || (seen.labels[DEPENDENCIES_LABEL] ?? "") !== dependencies) {
    await core.operations.perform(session.id, [], (now) =>
      now.state === "active" && now.containerId === session.containerId
        ? {
            kind: "run",
            operation: "replacing",
            phase: "dependencies",
            body: (op) =>
              replaceContainer(core, op, { fresh: true, reason: "dependencies changed" }).then(() => {}),
          }
        : { kind: "done", value: undefined },
    );
    return;
  }
  const { id: sessionId, projectId, generation } = session;
  const at = core.driver.endpoint(handle, "control");
  const run = runOf(prepared, session.env);
  await bounded(core, (signal) =>
    core.agent.bind(at, { sessionId, projectId, generation, run, files: [], deletes: [] }, signal),
  );
}
