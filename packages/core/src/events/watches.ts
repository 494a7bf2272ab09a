import type { ContainerId, Endpoint } from "@velocity/contract";
import type { AgentPort } from "../ports/agent.ts";
import type { Clock } from "../ports/clock.ts";
import { ContainerWatch, type WatchHandlers } from "./container-watch.ts";

/** The watch of every container that is awake, by container. */
export class Watches {
  readonly #deps: { readonly agent: AgentPort; readonly clock: Clock };
  readonly #open = new Map<ContainerId, ContainerWatch>();

  constructor(deps: { readonly agent: AgentPort; readonly clock: Clock }) {
    this.#deps = deps;
  }

  get(id: ContainerId): ContainerWatch | undefined {
    return this.#open.get(id);
  }

  /** A new boot of the container: its agent counts its events from the beginning. */
  open(id: ContainerId, at: Endpoint, handlers: WatchHandlers): ContainerWatch {
    this.close(id);
    const watch = new ContainerWatch(this.#deps, at, handlers);
    this.#open.set(id, watch);
    return watch;
  }

  close(id: ContainerId): void {
    this.#open.get(id)?.close();
    this.#open.delete(id);
  }

  closeAll(): void {
    for (const id of [...this.#open.keys()]) this.close(id);
  }
}
