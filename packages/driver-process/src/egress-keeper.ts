import type { ContainerId } from "@velocity/contract";
import type { ContainerPaths } from "./container-paths.ts";
import type { ContainerState } from "./container-state.ts";

/** The egress proxies of this driver's containers: one each, from start to end. */
export interface EgressKeeper {
  /** Listens for a container; again after a restart of the server. */
  open(state: ContainerState, paths: ContainerPaths): Promise<void>;
  close(id: ContainerId): Promise<void>;
  closeAll(): Promise<void>;
}

export function createEgressKeeper(_log: unknown): EgressKeeper {
  return { open: async () => undefined, close: async () => undefined, closeAll: async () => undefined };
}
