import type { ContainerId, Endpoint, Identity, SessionId, Visibility } from "@velocity/contract";

/** Asks through the gateway's own public route, as a viewer would. */
export interface RouteProbe {
  /** Who answers at this session's URL; throws `VelocityError` where nobody does. */
  identity(sessionId: SessionId, generation: number, signal: AbortSignal): Promise<Identity>;
  /** Resolves when the app gave any complete HTTP response at `path`; throws where it did not. */
  ready(
    sessionId: SessionId,
    generation: number,
    path: string,
    signal: AbortSignal,
  ): Promise<{ status: number }>;
  /**
   * The same, asked at an endpoint directly: a pool member has no route yet. It makes the dev server do its first, slow
   * request before anyone waits for it. Without this method members are kept as soon as they listen.
   */
  warm?(app: Endpoint, path: string, signal: AbortSignal): Promise<void>;
}

/** Where a session's traffic goes right now. */
export type RouteResolution =
  | {
      readonly kind: "live";
      readonly containerId: ContainerId;
      readonly generation: number;
      readonly app: Endpoint;
      readonly control: Endpoint;
      readonly visibility: Visibility;
      /** Endpoint of a further port of the app. */
      port(port: number): Endpoint;
    }
  /** Known, but asleep: `wake` it first. */
  | { readonly kind: "asleep"; readonly level: "frozen" | "hibernated"; readonly visibility: Visibility }
  /** An operation is under way that ends in `live` or in a failure. */
  | { readonly kind: "starting"; readonly visibility: Visibility }
  | { readonly kind: "failed"; readonly code: string; readonly message: string }
  | { readonly kind: "missing" };

/** Told whenever the answer of `resolve` for a session may have changed. */
export type RouteListener = (sessionId: SessionId) => void;
