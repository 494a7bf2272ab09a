import { createRoute } from "@hono/zod-openapi";
import { poolSchema } from "@velocity/contract";
import { json, problems } from "../../http/answers.ts";
import { requireAdmin } from "../../security/authentication.ts";
import type { RegisterRoute } from "../route-deps.ts";

const route = createRoute({
  method: "get",
  path: "/api/pool",
  operationId: "getPool",
  tags: ["Operation"],
  summary: "Warm containers that wait to be claimed",
  description: "Admins only.",
  responses: { 200: json(poolSchema, "The pool now."), ...problems() },
});

export const registerGetPool: RegisterRoute = (app, { pool }) => {
  app.openapi(route, async (c) => {
    requireAdmin(c.get("caller"));
    return c.json(await pool.status(), 200);
  });
};
