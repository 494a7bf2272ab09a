import { createRoute } from "@hono/zod-openapi";
import { networkPolicySchema } from "@velocity/contract";
import { z } from "zod";
import { json, problems } from "../../http/answers.ts";
import { requireAdmin } from "../../security/authentication.ts";
import type { RegisterRoute } from "../route-deps.ts";

const driverSchema = z.object({
  name: z.string(),
  capabilities: z.object({
    suspend: z.enum(["memory", "disk", "none"]),
    arbitratesNames: z.boolean(),
    watch: z.boolean(),
    exec: z.boolean(),
    isolation: z.enum(["none", "namespaces", "container", "vm"]),
    limits: z.array(z.enum(["cpus", "memory", "disk", "processes"])),
    network: z.array(networkPolicySchema),
    seedsWorkspace: z.boolean(),
    notes: z.array(z.string()),
  }),
});

const route = createRoute({
  method: "get",
  path: "/api/driver",
  operationId: "getDriver",
  tags: ["Operation"],
  summary: "What the container engine can do",
  description: "Admins only.",
  responses: { 200: json(driverSchema, "The engine in use."), ...problems() },
});

export const registerGetDriver: RegisterRoute = (app, { driver }) => {
  app.openapi(route, (c) => {
    requireAdmin(c.get("caller"));
    return c.json(driverSchema.parse({ name: driver.name, capabilities: driver.capabilities }), 200);
  });
};
