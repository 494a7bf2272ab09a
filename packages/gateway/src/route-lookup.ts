import type { ContainerId, Endpoint, SessionId, Visibility } from "@velocity/contract";

/** Where a session's traffic goes right now. Structurally core's `RouteResolution`: the gateway knows no core. */
export type RouteResolution =
  | LiveRoute
  | { readonly kind: "asleep"; readonly level: "frozen" | "hibernated"; readonly visibility: Visibility }
  /** `phase` is shown on the waiting page where the lookup knows it. */
  | { readonly kind: "starting"; readonly visibility: Visibility; readonly phase?: string }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "missing" };

export interface LiveRoute {
  readonly kind: "live";
  readonly containerId: ContainerId;
  readonly generation: number;
  readonly app: Endpoint;
  readonly control: Endpoint;
  readonly visibility: Visibility;
  port(port: number): Endpoint;
}

/** All that the gateway knows about sessions. Implemented by core's session routing. */
export interface RouteLookup {
  /** With `probeGeneration`, that generation even before it is published. */
  resolve(id: SessionId, options?: { readonly probeGeneration?: number }): Promise<RouteResolution>;
  /** Joins or begins the wake of a suspended session; resolves when it is live, throws when it cannot be. */
  wake(id: SessionId): Promise<void>;
  /** Page use. */
  touch(id: SessionId): void;
  /** Called after every write that may change a route. Returns the unsubscribe. */
  onRouteChange(listener: (id: SessionId) => void): () => void;
}

/** The part of a logger that the gateway uses. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
