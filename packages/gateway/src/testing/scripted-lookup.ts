import { containerIdSchema, type Endpoint, type SessionId } from "@velocity/contract";
import type { LiveRoute, RouteLookup, RouteResolution } from "../route-lookup.ts";

/** A `RouteLookup` whose answers a test sets, and which counts what it is asked. */
export class ScriptedLookup implements RouteLookup {
  readonly resolves: { id: SessionId; probeGeneration?: number }[] = [];
  readonly wakes: SessionId[] = [];
  readonly touches: SessionId[] = [];
  readonly #routes = new Map<SessionId, RouteResolution>();
  readonly #listeners = new Set<(id: SessionId) => void>();
  /** Set by tests that probe unpublished generations. */
  unpublished: LiveRoute | null = null;
  onWake: (id: SessionId) => Promise<void> = async () => {};
  onResolve: (id: SessionId) => Promise<void> | undefined = () => undefined;

  get listeners(): number {
    return this.#listeners.size;
  }

  /** Sets the route and tells the gateway, as core does after a write. */
  publish(id: SessionId, route: RouteResolution): void {
    this.set(id, route);
    for (const listener of this.#listeners) listener(id);
  }

  /** Sets the route without telling: a lost notification. */
  set(id: SessionId, route: RouteResolution): void {
    this.#routes.set(id, route);
  }

  async resolve(
    id: SessionId,
    options: { readonly probeGeneration?: number } = {},
  ): Promise<RouteResolution> {
    this.resolves.push({ id, ...options });
    const pause = this.onResolve(id);
    if (pause !== undefined) await pause;
    if (options.probeGeneration !== undefined && this.unpublished?.generation === options.probeGeneration) {
      return this.unpublished;
    }
    return this.#routes.get(id) ?? { kind: "missing" };
  }

  async wake(id: SessionId): Promise<void> {
    this.wakes.push(id);
    await this.onWake(id);
  }

  touch(id: SessionId): void {
    this.touches.push(id);
  }

  onRouteChange(listener: (id: SessionId) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** A published route to an app; further ports and control as given. */
export function live(
  app: Endpoint,
  more: Partial<Omit<LiveRoute, "kind" | "app" | "port">> & { ports?: Record<number, Endpoint> } = {},
): LiveRoute {
  return {
    kind: "live",
    containerId: containerIdSchema.parse("00000000-0000-4000-8000-0000000000cc"),
    generation: more.generation ?? 1,
    app,
    control: more.control ?? app,
    visibility: more.visibility ?? "public",
    port: (port) => more.ports?.[port] ?? { kind: "unix", path: `/nowhere/port-${port}.sock` },
  };
}
