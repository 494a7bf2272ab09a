import { createRoute } from "@hono/zod-openapi";
import { projectSchema } from "../../../docs/named-schemas.ts";
import { json, problems } from "../../../http/answers.ts";
import { presentProject } from "../../../views/project-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { projectParams } from "../project-params.ts";

const route = createRoute({
  method: "get",
  path: "/api/projects/{id}",
  operationId: "getProject",
  tags: ["Projects"],
  summary: "Get a project",
  request: { params: projectParams },
  responses: { 200: json(projectSchema, "The project."), ...problems("invalid_id", "not_found") },
});

export const registerGetProject: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const caller = c.get("caller");
    return c.json(presentProject(await projects.get(caller, c.req.valid("param").id), caller), 200);
  });
};
