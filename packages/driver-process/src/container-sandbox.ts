import { join } from "node:path";
import { cgroupFiles, INSIDE_HOME, type SandboxMount, type SandboxSpec } from "@velocity/sandbox";
import { type ContainerPaths, INSIDE, overlayPaths } from "./container-paths.ts";
import type { ContainerState } from "./container-state.ts";
import type { DriverContext } from "./driver-context.ts";

const TMP_BYTES = 1024 ** 3;

/** The sandbox of a container: what it sees of the host, and what it runs. */
export function containerSandbox(
  context: DriverContext,
  state: ContainerState,
  paths: ContainerPaths,
): SandboxSpec {
  const { nodePath, agentBundle, staticServerDir, programs = [] } = context.options;
  const bind = (source: string, target: string, writable: boolean): SandboxMount => ({
    kind: "bind",
    source,
    target,
    writable,
  });
  const linked = state.workspace.kind === "linked" ? state.workspace : null;
  const workspace = linked === null ? INSIDE.workspace : linked.directory;
  return {
    id: state.containerId,
    owner: state.owner,
    command: [INSIDE.node, `${INSIDE.agent}/agent.mjs`],
    cwd: workspace,
    env: agentEnvironment(INSIDE.hostSide, INSIDE_HOME, "/opt/velocity/bin:/usr/local/bin:/usr/bin:/bin"),
    mounts: [
      linked === null
        ? bind(paths.workspace, INSIDE.workspace, true)
        : bind(linked.mountRoot, linked.mountRoot, true),
      ...state.dependencies.map((dependency, index): SandboxMount => {
        const { upper, work } = overlayPaths(paths.folder, index);
        const target = join(workspace, dependency.target);
        return context.namespaces?.overlay === true
          ? { kind: "overlay", lower: dependency.path, upper, work, target }
          : bind(upper, target, true);
      }),
      bind(paths.home, INSIDE_HOME, true),
      bind(paths.logDir, INSIDE.logDir, true),
      bind(paths.sockets, INSIDE.sockets, true),
      bind(paths.hostSide, INSIDE.hostSide, false),
      bind(nodePath, INSIDE.node, false),
      bind(agentBundle, INSIDE.agent, false),
      ...(staticServerDir === null ? [] : [bind(staticServerDir, INSIDE.static, false)]),
      ...programs.map(({ source, target }) => bind(source, target, false)),
    ],
    etcDir: context.etcDir,
    stageDir: paths.mountPoints,
    cgroupFiles: state.cgroup === null ? [] : cgroupFiles(state.cgroup),
    tmpBytes: TMP_BYTES,
    seccompFile: context.seccompFile,
  };
}

/** The whole environment that the agent starts with; what a project needs comes with its run. */
export function agentEnvironment(configDir: string, home: string, path: string): Record<string, string> {
  return {
    PATH: path,
    HOME: home,
    USER: "velocity",
    SHELL: "/bin/sh",
    LANG: "C.UTF-8",
    TMPDIR: "/tmp",
    NODE_COMPILE_CACHE: join(home, ".cache", "node-compile"),
    VELOCITY_AGENT_CONFIG: join(configDir, "agent.json"),
  };
}
