import { join } from "node:path";
import { AGENT_PROTOCOL_VERSION, type AgentConfig } from "@velocity/contract";
import { type ContainerPaths, INSIDE } from "./container-paths.ts";
import type { ContainerState } from "./container-state.ts";

/** What the agent reads at start; with `isolated` all paths are those inside the sandbox. */
export function agentConfig(
  state: ContainerState,
  boot: Pick<AgentConfig, "identity" | "run">,
  paths: ContainerPaths,
  isolated: boolean,
): AgentConfig {
  const managed = isolated ? INSIDE.workspace : paths.workspace;
  return {
    protocol: AGENT_PROTOCOL_VERSION,
    identity: boot.identity,
    workspace: state.workspace.kind === "linked" ? state.workspace.directory : managed,
    socketDir: isolated ? INSIDE.sockets : paths.sockets,
    logFile: isolated ? join(INSIDE.logDir, "agent.log") : paths.agentLog,
    egressSocket: egressSocket(state, paths, isolated),
    run: boot.run,
  };
}

/** Without a sandbox nothing is in the way of the host's own network. */
function egressSocket(state: ContainerState, paths: ContainerPaths, isolated: boolean): string | null {
  if (state.network === "none" || !isolated) return null;
  return paths.egressSocket.replace(paths.hostSide, INSIDE.hostSide);
}
