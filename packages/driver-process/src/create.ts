import { open, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isSafePath, VelocityError } from "@velocity/contract";
import type { ContainerSpec, DriverCall } from "@velocity/core";
import { nameCgroup, removeTree } from "@velocity/sandbox";
import { checkLinkedDirectory } from "./check-linked-directory.ts";
import { containersDir, overlayPaths, pathsIn, shortId } from "./container-paths.ts";
import { type ContainerState, readState, writeState } from "./container-state.ts";
import { draftName } from "./draft-folder.ts";
import { type DriverContext, pathsOf } from "./driver-context.ts";
import { makeFolder } from "./make-folder.ts";

/**
 * Makes a container's folder as a draft and gives it its name in one step: a crash leaves a whole container, or a draft
 * that the next start of the driver removes. A second call for the same id finds the first one's.
 */
export function createContainer(
  context: DriverContext,
  spec: ContainerSpec,
  call: DriverCall,
): Promise<{ ref: string }> {
  call.signal.throwIfAborted();
  for (const path of [...spec.seed.map((file) => file.path), ...spec.dependencies.map(unmarked)]) {
    if (!isSafePath(path))
      throw new VelocityError("validation", "A file has an unsafe path.", { context: { path } });
  }
  return context.locks.run(spec.containerId, async () => {
    const paths = pathsOf(context, spec);
    const found = await readState(paths.state);
    if (found.kind === "state" && found.state.phase === "destroying")
      throw new VelocityError("conflict", "This preview is being removed.");
    if (found.kind === "state") return { ref: found.state.name };
    if (found.kind === "unreadable")
      throw new VelocityError("driver_failed", "The preview's record is damaged; start it anew.");
    // A start is likely to follow at once.
    context.warm();
    const owner = await ownerFor(context, spec);
    const draft = join(containersDir(context.options.dataDir), draftName(spec.containerId));
    try {
      await fillDraft(spec, draft, owner, call.signal);
      const state: ContainerState = {
        version: 1,
        containerId: spec.containerId,
        installId: spec.installId,
        name: spec.name,
        labels: { ...spec.labels },
        createdAt: new Date().toISOString(),
        resources: spec.resources,
        network: spec.network,
        workspace: spec.workspace,
        dependencies: spec.dependencies.map((mount) => ({ ...mount })),
        identity: spec.identity,
        run: spec.run,
        owner,
        phase: "created",
        process: null,
        cgroup: nameCgroup(context.cgroups, context.cgroupGroup, shortId(spec.containerId)),
      };
      await writeState(join(draft, "state.json"), state);
      call.signal.throwIfAborted();
      await rename(draft, paths.folder);
      return { ref: spec.name };
    } catch (error) {
      await removeTree(draft);
      if (owner?.dedicated === true) await context.uids.release(owner.uid, spec.containerId);
      throw diskError(error);
    }
  });
}

/** Dependencies are mounted at `node_modules`, which is no path for a project's own files. */
function unmarked(mount: { readonly target: string }): string {
  return mount.target.replace(/(^|\/)node_modules$/, "$1modules");
}

/** Managed: a uid of its own. Linked: whoever owns the directory, so that its tools write files that the owner can use. */
async function ownerFor(context: DriverContext, spec: ContainerSpec): Promise<ContainerState["owner"]> {
  if (spec.workspace.kind === "linked") {
    await checkLinkedDirectory(spec.workspace);
    const { uid, gid } = await stat(spec.workspace.directory);
    return context.namespaces?.root === true ? { uid, gid, dedicated: false } : null;
  }
  if (context.namespaces?.root !== true) return null;
  const uid = await context.uids.allocate(spec.containerId);
  return { uid, gid: uid, dedicated: true };
}

async function fillDraft(
  spec: ContainerSpec,
  draft: string,
  owner: ContainerState["owner"],
  signal: AbortSignal,
): Promise<void> {
  // The folder itself stays ours: inside, only folders below it can be seen.
  await makeFolder(draft, 0o711);
  const paths = pathsIn(draft, draft);
  const made = new Set<string>();
  const makeOwned = (path: string, mode: number): Promise<void> => makeFolder(path, mode, owner);
  for (const folder of [paths.workspace, paths.home, paths.logDir]) await makeOwned(folder, 0o700);
  if (spec.dependencies.length > 0) await makeFolder(dirname(overlayPaths(draft, 0).parent), 0o711);
  for (const index of spec.dependencies.keys()) {
    const { parent, upper, work } = overlayPaths(draft, index);
    await makeFolder(parent, 0o711);
    await makeOwned(upper, 0o755);
    await makeFolder(work, 0o700);
  }
  if (spec.workspace.kind === "linked") return;
  const makeParents = async (folder: string): Promise<void> => {
    if (folder === paths.workspace || made.has(folder)) return;
    await makeParents(dirname(folder));
    made.add(folder);
    await makeOwned(folder, 0o755);
  };
  for (const file of spec.seed) {
    signal.throwIfAborted();
    const path = join(paths.workspace, file.path);
    await makeParents(dirname(path));
    const handle = await open(path, "wx", 0o644);
    try {
      await handle.writeFile(Buffer.from(file.content, file.encoding));
      await handle.chmod(0o644);
      if (owner !== null) await handle.chown(owner.uid, owner.gid);
    } finally {
      await handle.close();
    }
  }
  for (const { target } of spec.dependencies) {
    const point = join(paths.workspace, target);
    await makeParents(dirname(point));
    if (!made.has(point)) await makeOwned(point, 0o755);
    made.add(point);
  }
}

/** A full disk is a condition of its own; a file and a folder of one name are the caller's mistake. */
export function diskError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error)) return error;
  if (error.code === "ENOSPC" || error.code === "EDQUOT")
    return new VelocityError("disk_full", "There is no space left for this preview.", { cause: error });
  if (error.code === "EEXIST" || error.code === "ENOTDIR" || error.code === "ENAMETOOLONG")
    return new VelocityError("validation", "Two files of the project collide, or a name is too long.", {
      cause: error,
    });
  return error;
}
