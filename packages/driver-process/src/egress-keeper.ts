import type { ContainerId } from "@velocity/contract";
import type { Log } from "@velocity/core";
import { createEgressProxy, type EgressProxy, type EgressSettings } from "@velocity/sandbox";
import type { ContainerPaths } from "./container-paths.ts";
import type { ContainerState } from "./container-state.ts";

/** The egress proxies of this driver's containers: one each, from start to end. */
export interface EgressKeeper {
  /** Listens for a container; again after a restart of the server. With policy `none` there is nothing to listen for. */
  open(state: ContainerState, paths: ContainerPaths): Promise<void>;
  close(id: ContainerId): Promise<void>;
  closeAll(): Promise<void>;
}

export function createEgressKeeper(log: Log, settings: () => Promise<EgressSettings>): EgressKeeper {
  const proxies = new Map<ContainerId, EgressProxy>();
  let known: Promise<EgressSettings> | null = null;
  const settingsOnce = (): Promise<EgressSettings> => {
    known ??= settings().catch((error: unknown) => {
      known = null;
      throw error;
    });
    return known;
  };
  const close = async (id: ContainerId): Promise<void> => {
    const proxy = proxies.get(id);
    proxies.delete(id);
    await proxy?.close();
  };
  return {
    async open(state, paths) {
      await close(state.containerId);
      if (state.network === "none") return;
      const proxy = await createEgressProxy({
        socketPath: paths.egressSocket,
        gid: state.owner?.gid ?? null,
        policy: state.network,
        settings: settingsOnce,
        onRefused: (target, reason) =>
          log.info({ containerId: state.containerId, target, reason }, "egress refused"),
      });
      proxies.set(state.containerId, proxy);
    },
    close,
    async closeAll() {
      await Promise.all([...proxies.keys()].map(close));
    },
  };
}
