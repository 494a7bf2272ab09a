import type { OpenAPIHono } from "@hono/zod-openapi";
import type { ApiDeps, ApiEnv } from "../deps.ts";
import type { StreamRegistry } from "../streams/stream-registry.ts";

export type ApiApp = OpenAPIHono<ApiEnv>;

/** What a route may use. */
export interface RouteDeps extends ApiDeps {
  readonly streams: StreamRegistry;
  /** The server is on its way out: not ready any more. */
  readonly isClosing: () => boolean;
}

/** Every route folder exports one of these. */
export type RegisterRoute = (app: ApiApp, deps: RouteDeps) => void;
