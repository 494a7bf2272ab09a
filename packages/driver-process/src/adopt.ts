import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { containerIdSchema } from "@velocity/contract";
import { endLaunchLeftovers, freezeSandbox, readBootId, removeTree } from "@velocity/sandbox";
import { containersDir, shortId } from "./container-paths.ts";
import { type ContainerState, readState, writeState } from "./container-state.ts";
import { isLeftover } from "./draft-folder.ts";
import { type DriverContext, pathsOf, sandboxRef } from "./driver-context.ts";
import { statusOf } from "./observe-state.ts";
import { endProcesses } from "./stop.ts";

const ADOPT_TIMEOUT_MS = 30_000;

/**
 * Takes over what an earlier server left: running containers get their egress proxy again, suspended ones are made sure to
 * stand still, and what a crash cut short is ended. Leftover folders and sockets go.
 */
export async function adoptContainers(context: DriverContext): Promise<void> {
  const folder = containersDir(context.options.dataDir);
  const holders = new Map<string, number>();
  const runtimes = new Set<string>();
  for (const name of await readdir(folder)) {
    if (isLeftover(name)) await removeTree(join(folder, name));
    const id = containerIdSchema.safeParse(name);
    if (!id.success || id.data !== name) continue;
    const paths = pathsOf(context, { containerId: id.data });
    const found = await readState(paths.state);
    if (found.kind !== "state") {
      context.log.warn({ containerId: name }, "container without a readable record");
      continue;
    }
    const { state } = found;
    if (state.owner?.dedicated === true) holders.set(name, state.owner.uid);
    if (await adopt(context, state)) runtimes.add(shortId(id.data));
  }
  await context.uids.sweep((uid, id) => holders.get(id) === uid);
  for (const name of await readdir(context.options.runtimeDir)) {
    if (/^[0-9a-f]{16}$/.test(name) && !runtimes.has(name))
      await removeTree(join(context.options.runtimeDir, name));
  }
}

/** True where its processes live on. */
async function adopt(context: DriverContext, state: ContainerState): Promise<boolean> {
  const paths = pathsOf(context, state);
  const status = statusOf(state, readBootId());
  if (state.phase === "running" && status === "running") {
    await reopenEgress(context, state);
    return true;
  }
  if (status === "suspended") {
    await freezeSandbox(sandboxRef(context, state), AbortSignal.timeout(ADOPT_TIMEOUT_MS));
    await reopenEgress(context, state);
    return true;
  }
  if (state.phase === "created" || state.phase === "stopped") return false;
  if (state.phase === "starting") await endLaunchLeftovers(state.containerId);
  await endProcesses(context, state, paths);
  if (state.phase !== "destroying")
    await writeState(paths.state, { ...state, phase: "stopped", process: null });
  return false;
}

/** A container without its way out still serves its pages; its end or restart puts that right. */
async function reopenEgress(context: DriverContext, state: ContainerState): Promise<void> {
  await context.egress.open(state, pathsOf(context, state)).catch((error: unknown) => {
    context.log.warn(
      { containerId: state.containerId, err: error },
      "egress proxy could not be opened again",
    );
  });
}
