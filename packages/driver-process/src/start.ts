import { execFile } from "node:child_process";
import { chmod, chown, lstat, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type AgentConfig, VelocityError } from "@velocity/contract";
import type { ContainerHandle, DriverCall } from "@velocity/core";
import {
  cgroupFiles,
  createCgroup,
  endSandbox,
  type LaunchedSandbox,
  launchPlain,
  launchSandbox,
  readBootId,
  removeTree,
} from "@velocity/sandbox";
import { agentConfig } from "./agent-config.ts";
import { type ContainerPaths, overlayPaths } from "./container-paths.ts";
import { agentEnvironment, containerSandbox } from "./container-sandbox.ts";
import { type ContainerState, writeState } from "./container-state.ts";
import { diskError } from "./create.ts";
import { type DriverContext, requireState, sandboxRef } from "./driver-context.ts";
import { makeFolder } from "./make-folder.ts";
import { statusOf } from "./observe-state.ts";

const run = promisify(execFile);

/** Runs the agent in a container that does not run. A running one is left as it is; a suspended one is `invalid_state`. */
export function startContainer(
  context: DriverContext,
  handle: ContainerHandle,
  boot: Pick<AgentConfig, "identity" | "run">,
  call: DriverCall,
): Promise<void> {
  return context.locks.run(handle.containerId, async () => {
    call.signal.throwIfAborted();
    context.warm();
    const { paths, state } = await requireState(context, handle);
    const status = statusOf(state, readBootId());
    if (status === "running") return;
    if (status === "suspended")
      throw new VelocityError("invalid_state", "The preview is suspended: resume it.");
    const next: ContainerState = {
      ...state,
      identity: boot.identity,
      run: boot.run,
      phase: "starting",
      process: null,
    };
    await endSandbox(sandboxRef(context, state));
    try {
      await prepareRuntime(context, next, paths, boot);
      if (next.cgroup !== null) {
        createCgroup(context.cgroups, next.cgroup, {
          cpus: next.resources.cpus,
          memoryBytes: next.resources.memoryMb === null ? null : next.resources.memoryMb * 1024 ** 2,
          processes: context.maxProcesses,
        });
      }
      await writeState(paths.state, next);
      const launched = await launch(context, next, paths, call.signal);
      await writeState(paths.state, { ...next, phase: "running", process: launched.init });
    } catch (error) {
      await endSandbox(sandboxRef(context, next));
      await context.egress.close(next.containerId);
      await writeState(paths.state, { ...next, phase: "stopped" }).catch(() => undefined);
      throw diskError(error);
    }
  });
}

/** Folders and files that live as long as the processes. Whatever an earlier run left is removed first. */
async function prepareRuntime(
  context: DriverContext,
  state: ContainerState,
  paths: ContainerPaths,
  boot: Pick<AgentConfig, "identity" | "run">,
): Promise<void> {
  const isolated = context.namespaces !== null;
  await context.egress.close(state.containerId);
  await removeTree(paths.runtime);
  const { owner } = state;
  await makeFolder(paths.runtime, 0o711);
  await makeFolder(paths.sockets, 0o700, owner);
  await makeFolder(paths.hostSide, 0o750, owner === null ? null : { uid: 0, gid: owner.gid });
  await makeFolder(paths.mountPoints, 0o711);
  const config = JSON.stringify(agentConfig(state, boot, paths, isolated));
  await writeFile(paths.agentConfig, config, { flag: "wx", mode: 0o640 });
  await chmod(paths.agentConfig, 0o640);
  if (owner !== null) await chown(paths.agentConfig, 0, owner.gid);
  if (isolated) await context.egress.open(state, paths);
  await prepareDependencies(context, state, paths);
}

/** Where layers cannot be mounted, each container gets a copy, once. */
async function prepareDependencies(
  context: DriverContext,
  state: ContainerState,
  paths: ContainerPaths,
): Promise<void> {
  for (const [index, dependency] of state.dependencies.entries()) {
    const managed = state.workspace.kind === "managed";
    if (managed) await refuseLinks(paths.workspace, dependency.target);
    if (context.namespaces?.overlay === true) continue;
    if (context.namespaces === null && !managed)
      throw new VelocityError("sandbox_missing", "Dependencies cannot be mounted on this machine.");
    const { upper } = overlayPaths(paths.folder, index);
    const into = context.namespaces === null ? join(paths.workspace, dependency.target) : upper;
    if ((await readdir(into)).length > 0) continue;
    const reflink = process.platform === "linux" ? ["--reflink=auto"] : [];
    await run("cp", ["-a", ...reflink, `${dependency.path}/.`, into]);
    const { owner } = state;
    if (owner !== null) await run("chown", ["-R", "-h", `${owner.uid}:${owner.gid}`, into]);
  }
}

/** A mount point below a link would be somewhere else. Nothing of the container runs while this looks. */
async function refuseLinks(workspace: string, target: string): Promise<void> {
  let path = workspace;
  for (const segment of target.split("/")) {
    path = join(path, segment);
    const found = await lstat(path).catch(() => null);
    if (found === null) return;
    if (!found.isDirectory())
      throw new VelocityError("invalid_state", `In the project, ${target} has to be a plain folder.`);
  }
}

function launch(
  context: DriverContext,
  state: ContainerState,
  paths: ContainerPaths,
  signal: AbortSignal,
): Promise<LaunchedSandbox> {
  const files = { outputFile: paths.output, statusFile: paths.status };
  if (context.namespaces !== null)
    return launchSandbox(containerSandbox(context, state, paths), context.namespaces, files, signal);
  const { nodePath, agentBundle } = context.options;
  const path = "/usr/local/bin:/usr/bin:/bin";
  return launchPlain(
    {
      id: state.containerId,
      command: [nodePath, join(agentBundle, "agent.mjs")],
      cwd: state.workspace.kind === "linked" ? state.workspace.directory : paths.workspace,
      env: agentEnvironment(paths.hostSide, paths.home, path),
      cgroupFiles: state.cgroup === null ? [] : cgroupFiles(state.cgroup),
    },
    files.outputFile,
    signal,
  );
}
