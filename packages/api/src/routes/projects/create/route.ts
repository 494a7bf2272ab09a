import { createRoute } from "@hono/zod-openapi";
import { VelocityError } from "@velocity/contract";
import { createProjectSchema, projectSchema } from "../../../docs/named-schemas.ts";
import { json, jsonBody, problems } from "../../../http/answers.ts";
import { presentProject } from "../../../views/project-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";

const route = createRoute({
  method: "post",
  path: "/api/projects",
  operationId: "createProject",
  tags: ["Projects"],
  summary: "Create a project",
  description:
    "At most one of `template`, `files`, `git` (fetched once, before the answer) and `directory` (linked live; the " +
    "server's own machine, admins only); with none, the default template.",
  request: jsonBody(createProjectSchema),
  responses: {
    200: json(projectSchema, "It existed already under this id."),
    201: json(projectSchema, "Created."),
    ...problems(
      "invalid_json",
      "conflict",
      "payload_too_large",
      "unsupported_media_type",
      "validation",
      "directory_not_found",
      "directory_not_readable",
      "disk_full",
      "rate_limited",
      "git_failed",
    ),
  },
});

export const registerCreateProject: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const request = c.req.valid("json");
    const caller = c.get("caller");
    const sources = (["template", "files", "git", "directory"] as const).filter(
      (key) => request[key] !== undefined,
    );
    if (sources.length > 1)
      throw new VelocityError("validation", "A project comes from one source only.", {
        errors: sources.map((path) => ({ path, code: "one_of", message: "Give only one of these." })),
      });
    if (request.directory !== undefined && caller.role !== "admin")
      throw new VelocityError("forbidden", "Only an admin may link a directory of the server.");
    const { project, created } = await projects.create(caller, request);
    c.header("location", `/api/projects/${project.id}`);
    return c.json(presentProject(project, caller), created ? 201 : 200);
  });
};
