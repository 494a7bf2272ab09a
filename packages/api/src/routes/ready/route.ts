import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { json } from "../../http/answers.ts";
import { askHealth } from "../health/route.ts";
import type { RegisterRoute } from "../route-deps.ts";

const RETRY_AFTER_S = "5";
const readySchema = z.object({ status: z.enum(["ready", "not_ready", "shutting_down"]) });

const route = createRoute({
  method: "get",
  path: "/ready",
  operationId: "ready",
  tags: ["Operation"],
  summary: "Whether traffic should be sent here",
  responses: { 200: json(readySchema, "Ready."), 503: json(readySchema, "Not now.") },
});

export const registerReady: RegisterRoute = (app, deps) => {
  app.openapi(route, async (c) => {
    if (!deps.isClosing() && (await askHealth(deps)).status === "ok") return c.json({ status: "ready" }, 200);
    c.header("retry-after", RETRY_AFTER_S);
    return c.json({ status: deps.isClosing() ? "shutting_down" : "not_ready" }, 503);
  });
};
