import { containerIdSchema } from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { CoreContext } from "../context.ts";
import { Superseded } from "../failure.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import type { ContainerRecord, SessionRecord } from "../session-record.ts";
import { bindFiles } from "./bind-files.ts";
import type { BroughtUp } from "./brought-up.ts";
import { containerSpec } from "./container-spec.ts";
import { dependenciesPhase, failureOf, runFor } from "./dependencies.ts";
import { bounded, destroyContainer, ENGINE_MS } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";
import { watchSession } from "./session-watch.ts";
import { settle } from "./settle.ts";

/** Makes a container of the session's own, from nothing. */
export async function createCold(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
): Promise<BroughtUp> {
  op.source = "cold";
  const containerId = containerIdSchema.parse(core.newId());
  const generation = op.owned.record.generation + 1;
  const createdAt = core.clock.now();
  const dependenciesReady = dependenciesPhase(core, op, prepared);
  dependenciesReady.catch(() => {});
  const insert = () =>
    core.ledger.insertContainer({
      id: containerId,
      driver: core.driver.name,
      ref: null,
      status: "creating",
      sessionId: op.owned.record.id,
      projectId: op.owned.record.projectId,
      generation,
      poolKey: null,
      tier: op.owned.record.tier,
      createdAt,
      claimedAt: createdAt,
    });
  const [{ row, session }, installId] = await Promise.all([
    recorded(core, insert, () => op.owned.write({ containerId, generation })),
    core.installId(),
  ]);
  const dependencies = await abortable(dependenciesReady, op.signal);
  await op.step("before_create");
  const run = runFor(prepared, session.env, dependencies);
  const seeds = prepared.linked !== null || core.driver.capabilities.seedsWorkspace;
  const spec = containerSpec({
    containerId,
    installId,
    tier: session.tier,
    resources: session.resources,
    networkMax: core.settings.networkMax,
    createdAt,
    prepared,
    dependencies,
    session: { id: session.id, projectId: session.projectId, generation },
    run: seeds ? run : null,
  });
  const { handle, watch } = await op.phase(
    "container",
    async () => {
      const { ref } = await bounded(
        core,
        (signal) => core.driver.create(spec, { signal }),
        ENGINE_MS,
        op.signal,
      );
      await op.step("after_create");
      const handle = { containerId, ref };
      const noted = core.ledger
        .patchContainer(row, { ref, status: "assigned" })
        .then((now) => giveUpIfEnded(core, now));
      noted.catch(() => {});
      if (!core.settings.soleOrchestrator) await noted;
      await Promise.all([
        noted,
        bounded(
          core,
          (signal) => core.driver.start(handle, { identity: spec.identity, run: spec.run }, { signal }),
          ENGINE_MS,
          op.signal,
        ),
      ]);
      return { handle, watch: watchSession(core, session, handle) };
    },
    { timing: "claimMs" },
  );
  await op.step("after_boot");
  if (!seeds) await bindFiles(core, op, handle, run, { files: [...prepared.files], deletes: [] });
  core.projectFiles.markSynced(containerId, prepared.project.version);
  const failure = await settle(core, op, watch, handle, run, 0);
  return {
    source: "cold",
    failure: failureOf(dependencies) ?? failure,
    handle,
    version: prepared.project.version,
  };
}

/**
 * Writes both rows. Beside other servers one after the other: whoever ends the session once it names the container then
 * finds that container's row. Alone, nobody else can, and they are written at once.
 */
async function recorded(
  core: CoreContext,
  insert: () => Promise<ContainerRecord>,
  name: () => Promise<SessionRecord>,
): Promise<{ row: ContainerRecord; session: SessionRecord }> {
  if (core.settings.soleOrchestrator) {
    const [row, session] = await Promise.all([insert(), name()]);
    return { row, session };
  }
  const row = await insert();
  try {
    return { row, session: await name() };
  } catch (error) {
    await core.ledger.patchContainer(row, { status: "destroyed" });
    throw error;
  }
}

/** Another server ended the session while the engine was making this: nobody else knows that it came to be after all. */
async function giveUpIfEnded(core: CoreContext, row: ContainerRecord): Promise<void> {
  if (row.status !== "destroying" && row.status !== "destroyed") return;
  await destroyContainer(core, row);
  throw new Superseded();
}
