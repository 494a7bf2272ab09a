import { createRoute } from "@hono/zod-openapi";
import { createProjectSchema, projectSchema } from "../../../docs/named-schemas.ts";
import { json, jsonBody, problems } from "../../../http/answers.ts";
import { presentProject } from "../../../views/project-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { projectParams } from "../project-params.ts";

const route = createRoute({
  method: "patch",
  path: "/api/projects/{id}",
  operationId: "updateProject",
  tags: ["Projects"],
  summary: "Rename a project",
  request: { params: projectParams, ...jsonBody(createProjectSchema.pick({ name: true })) },
  responses: {
    200: json(projectSchema, "The project."),
    ...problems("invalid_id", "invalid_json", "not_found", "unsupported_media_type", "validation"),
  },
});

export const registerUpdateProject: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const caller = c.get("caller");
    const project = await projects.rename(caller, c.req.valid("param").id, c.req.valid("json").name);
    return c.json(presentProject(project, caller), 200);
  });
};
