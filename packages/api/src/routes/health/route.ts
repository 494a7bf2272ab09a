import { createRoute } from "@hono/zod-openapi";
import type { ServerHealth } from "@velocity/contract";
import { serverHealthSchema } from "../../docs/named-schemas.ts";
import { json } from "../../http/answers.ts";
import type { RegisterRoute, RouteDeps } from "../route-deps.ts";

const RETRY_AFTER_S = "5";

const route = createRoute({
  method: "get",
  path: "/health",
  operationId: "health",
  tags: ["Operation"],
  summary: "Whether the server and what it depends on work",
  responses: {
    200: json(serverHealthSchema, "Everything works."),
    503: json(serverHealthSchema, "Something does not; `checks` says what."),
  },
});

export const registerHealth: RegisterRoute = (app, deps) => {
  app.openapi(route, async (c) => {
    const health = await askHealth(deps);
    if (health.status === "ok") return c.json(health, 200);
    c.header("retry-after", RETRY_AFTER_S);
    return c.json(health, 503);
  });
};

/** A health check that fails is an answer too: nothing works. */
export async function askHealth(deps: RouteDeps): Promise<ServerHealth> {
  try {
    return await deps.health();
  } catch (error) {
    deps.log.error({ event: "api.health", error }, "health check failed");
    return {
      status: "degraded",
      timestamp: deps.clock.now().toISOString(),
      version: deps.config.version,
      checks: { database: false, driver: false, blobs: false },
    };
  }
}
