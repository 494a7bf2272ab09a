import { createRoute } from "@hono/zod-openapi";
import { problems } from "../../../http/answers.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { projectParams } from "../project-params.ts";

const route = createRoute({
  method: "delete",
  path: "/api/projects/{id}",
  operationId: "deleteProject",
  tags: ["Projects"],
  summary: "Delete a project",
  description: "Terminates its sessions first. A linked directory is left as it is.",
  request: { params: projectParams },
  responses: {
    204: { description: "Gone." },
    ...problems("invalid_id", "not_found", "conflict", "driver_failed", "driver_unavailable"),
  },
});

export const registerDeleteProject: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    await projects.remove(c.get("caller"), c.req.valid("param").id);
    return c.body(null, 204);
  });
};
