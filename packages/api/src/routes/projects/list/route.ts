import { createRoute } from "@hono/zod-openapi";
import { listSchema } from "@velocity/contract";
import { z } from "zod";
import { projectSchema } from "../../../docs/named-schemas.ts";
import { json, problems } from "../../../http/answers.ts";
import { pageOf, pageQuery } from "../../../http/paging.ts";
import { presentProject } from "../../../views/project-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";

const route = createRoute({
  method: "get",
  path: "/api/projects",
  operationId: "listProjects",
  tags: ["Projects"],
  summary: "List projects",
  request: { query: z.strictObject(pageQuery) },
  responses: { 200: json(listSchema(projectSchema), "The caller's projects."), ...problems("validation") },
});

export const registerListProjects: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const caller = c.get("caller");
    const page = await projects.list(caller, pageOf(c.req.valid("query")));
    const items = page.items.map((project) => presentProject(project, caller));
    return c.json({ items, nextCursor: page.nextCursor }, 200);
  });
};
