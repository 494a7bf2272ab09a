import { containerIdSchema, type StartSource, VelocityError } from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { CoreContext } from "../context.ts";
import type { ContainerWatch } from "../events/container-watch.ts";
import type { ContainerHandle, ContainerObservation } from "../ports/driver.ts";
import { changesSince } from "../projects/changes-since.ts";
import { filesDifference, type PreparedProject } from "../projects/project-files.ts";
import type { ContainerRecord } from "../session-record.ts";
import { awaitServer } from "./await-server.ts";
import { containerSpec, DEPENDENCIES_LABEL, failedInstallRun, runOf } from "./container-spec.ts";
import { type Dependencies, loadDependencies, type ProjectFailure } from "./dependencies.ts";
import { bounded, destroyContainer, handleOf } from "./destroy-container.ts";
import type { OperationContext } from "./operation.ts";
import { probeIdentity, probeReady } from "./probe-route.ts";
import { sessionHandlers, watchSession } from "./session-watch.ts";

export interface BroughtUp {
  readonly source: StartSource;
  /** The project does not run; its container does, and says why. */
  readonly failure: ProjectFailure | null;
  readonly handle: ContainerHandle;
  readonly version: number;
}

const ENGINE_MS = 60_000;
const IDENTITY_MS = 3_000;

/**
 * Drives a session's container to "runs, listens and answers at its address", from wherever it is: none, created, stopped,
 * frozen or running. Every step can be repeated by whoever takes the operation over. Nothing is published here.
 */
export async function bringUp(
  core: CoreContext,
  op: OperationContext,
  early?: Promise<PreparedProject>,
): Promise<BroughtUp> {
  const { owned } = op;
  const prepared = await op.phase(
    "project",
    () => early ?? core.projectFiles.prepare(owned.record.projectId),
    { timing: "filesMs" },
  );
  await op.step("prepared");
  const found = await findContainer(core, op);
  if (found !== null) {
    const revived = await revive(core, op, prepared, found);
    if (revived !== null) return revived;
    await destroyContainer(core, found.row);
    await op.step("old_destroyed");
  }
  const claimed = await claimFromPool(core, op, prepared);
  return claimed ?? (await createCold(core, op, prepared));
}

interface Found {
  readonly row: ContainerRecord;
  readonly handle: ContainerHandle;
  readonly seen: ContainerObservation;
}

/** The session's container as the engine shows it. Containers of this session that it no longer points to are removed. */
async function findContainer(core: CoreContext, op: OperationContext): Promise<Found | null> {
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

/** Null: it cannot be used as it is and has to be made anew from the project's files. */
async function revive(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
  found: Found,
): Promise<BroughtUp | null> {
  const { handle, seen } = found;
  const dependencies = prepared.plan.dependencies?.key ?? "";
  if ((seen.labels[DEPENDENCIES_LABEL] ?? dependencies) !== dependencies) return null;
  if (seen.status === "suspended") {
    await bounded(core, (signal) => core.driver.resume(handle, { signal }), ENGINE_MS, op.signal);
    await op.step("thawed");
  }
  if (seen.status === "suspended" || seen.status === "running") {
    const same = await answersAs(core, handle, op.owned.record);
    if (same) return keepRunning(core, op, prepared, found);
    await bounded(core, (signal) => core.driver.stop(handle, { signal }), ENGINE_MS, op.signal);
    await op.step("stopped");
  }
  return bootAgain(core, op, prepared, found);
}

/** Whether the container behind a handle is up and is this session's current generation. */
export async function answersAs(
  core: CoreContext,
  handle: ContainerHandle,
  session: { readonly id: string; readonly generation: number },
): Promise<boolean> {
  try {
    const at = core.driver.endpoint(handle, "control");
    const identity = await bounded(core, (signal) => core.agent.identity(at, signal), IDENTITY_MS);
    return (
      identity.containerId === handle.containerId &&
      identity.sessionId === session.id &&
      identity.generation === session.generation
    );
  } catch {
    return false;
  }
}

/** It runs and is who it should be: only what changed meanwhile is brought in. */
async function keepRunning(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
  { handle }: Found,
): Promise<BroughtUp> {
  const session = op.owned.record;
  const watch = core.watches.get(handle.containerId) ?? watchSession(core, session, handle);
  const run = runOf(prepared, session.env);
  const changed = await pendingChanges(core, session.id, prepared, handle);
  // Bound in any case: whoever began this may have died before the dev server was told to run.
  await bindFiles(core, op, handle, run, changed ?? { files: [], deletes: [] });
  core.projectFiles.markSynced(handle.containerId, prepared.project.version);
  const failure = await settle(core, op, watch, handle, run, 0);
  return { source: "resumed", failure, handle, version: prepared.project.version };
}

/** Its processes are gone, its workspace is not: a new generation boots on it. */
async function bootAgain(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
  { handle, row }: Found,
): Promise<BroughtUp> {
  const session = await op.owned.write({ generation: op.owned.record.generation + 1 });
  const dependencies = await dependenciesPhase(core, op, prepared);
  // Its layers were mounted when it was made; where they cannot be had now, it is made anew and says so.
  const run = runFor(prepared, session.env, dependencies);
  const changed = await pendingChanges(core, session.id, prepared, handle);
  const identity = {
    containerId: handle.containerId,
    sessionId: session.id,
    projectId: session.projectId,
    generation: session.generation,
  };
  const updated = await core.ledger.patchContainer(row, { generation: session.generation });
  await op.step("before_boot");
  const watch = await op.phase(
    "container",
    async () => {
      // With files to write first, the dev server starts only once they are there.
      const boot = { identity, run: changed === null ? run : null };
      core.watches.close(handle.containerId);
      await bounded(core, (signal) => core.driver.start(handle, boot, { signal }), ENGINE_MS, op.signal);
      return watchSession(core, session, { containerId: updated.id, ref: handle.ref });
    },
    { timing: "claimMs" },
  );
  await op.step("after_boot");
  if (changed !== null) await bindFiles(core, op, handle, run, changed);
  core.projectFiles.markSynced(handle.containerId, prepared.project.version);
  const failure = await settle(core, op, watch, handle, run, 0);
  return {
    source: "resumed",
    failure: failureOf(dependencies) ?? failure,
    handle,
    version: prepared.project.version,
  };
}

async function createCold(
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
  const [row, session, installId] = await Promise.all([
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
    }),
    op.owned.write({ containerId, generation }),
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
      await Promise.all([
        core.ledger.patchContainer(row, { ref, status: "assigned" }),
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

/** A warm member that is booted like this project already; only its identity and the files that differ are missing. */
async function claimFromPool(
  core: CoreContext,
  op: OperationContext,
  prepared: PreparedProject,
): Promise<BroughtUp | null> {
  const current = op.owned.record;
  const generation = current.generation + 1;
  const begunAt = performance.now();
  const member = await core.pool.claim(prepared, current, generation);
  if (member === null) return null;
  const { row, handle, watch, files } = member;
  op.source = "pool";
  watch.handOver(sessionHandlers(core, current, handle));
  op.timings.claimMs = Math.round((performance.now() - begunAt) * 10) / 10;
  const run = runOf(prepared, current.env);
  const seq = watch.state.seq;
  try {
    await op.step("claimed");
    const [bound] = await op.phase("files", () =>
      Promise.all([
        bindFiles(core, op, handle, run, filesDifference(files, prepared.files), generation),
        op.owned.write({ containerId: row.id, generation }),
      ]),
    );
    core.projectFiles.markSynced(row.id, prepared.project.version);
    await op.step("bound");
    const failure = await settle(core, op, watch, handle, run, bound.serverRestarted ? seq : 0);
    return { source: "pool", failure, handle, version: prepared.project.version };
  } catch (error) {
    op.signal.throwIfAborted();
    core.log.warn({ containerId: row.id, err: error }, "a pool member could not be used; starting cold");
    await destroyContainer(core, row);
    return null;
  }
}

/** Waits for the dev server while the route is already asked who is behind it; then asks the app itself. */
async function settle(
  core: CoreContext,
  op: OperationContext,
  watch: ContainerWatch,
  handle: ContainerHandle,
  run: ReturnType<typeof runOf>,
  afterSeq: number,
): Promise<ProjectFailure | null> {
  const identity = probeIdentity(core, op, {
    containerId: handle.containerId,
    generation: op.owned.record.generation,
  });
  identity.catch(() => {});
  // Whichever fails first ends the wait: an agent that never answers must not be waited for until the deadline.
  const failure = await Promise.race([
    awaitServer(core, op, watch, run, afterSeq),
    identity.then(() => new Promise<never>(() => {})),
  ]);
  await op.step("listening");
  await op.phase(
    "probe",
    async () => {
      await identity;
      if (failure === null) await probeReady(core, op, run);
    },
    { timing: "probeMs" },
  );
  await op.step("probed");
  return failure;
}

function dependenciesPhase(
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

function runFor(prepared: PreparedProject, env: Parameters<typeof runOf>[1], dependencies: Dependencies) {
  const run = runOf(prepared, env);
  return dependencies.kind === "ready" ? run : failedInstallRun(run, dependencies.failure.log);
}

function failureOf(dependencies: Dependencies): ProjectFailure | null {
  return dependencies.kind === "failed" ? dependencies.failure : null;
}

async function bindFiles(
  core: CoreContext,
  op: OperationContext,
  handle: ContainerHandle,
  run: ReturnType<typeof runOf>,
  change: { files: PreparedProject["files"]; deletes: readonly string[] },
  generation = op.owned.record.generation,
): Promise<{ serverRestarted: boolean }> {
  const { id: sessionId, projectId } = op.owned.record;
  const bound = await bounded(
    core,
    (signal) =>
      core.agent.bind(
        core.driver.endpoint(handle, "control"),
        { sessionId, projectId, generation, run, files: [...change.files], deletes: [...change.deletes] },
        signal,
      ),
    ENGINE_MS,
    op.signal,
  );
  if (bound.identity.sessionId !== sessionId || bound.identity.generation !== generation) {
    throw new VelocityError("start_failed", "The container did not take its session.", {
      context: { ...bound },
    });
  }
  return bound;
}

async function pendingChanges(
  core: CoreContext,
  sessionId: BroughtUpSession,
  prepared: PreparedProject,
  handle: ContainerHandle,
): Promise<{ files: PreparedProject["files"]; deletes: readonly string[] } | null> {
  if (prepared.linked !== null) return null;
  return changesSince(core, sessionId, prepared, handle.containerId);
}
type BroughtUpSession = OperationContext["owned"]["record"]["id"];
