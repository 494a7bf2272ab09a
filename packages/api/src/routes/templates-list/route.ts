import { createRoute } from "@hono/zod-openapi";
import { listSchema } from "@velocity/contract";
import { templateSchema } from "../../docs/named-schemas.ts";
import { json, problems } from "../../http/answers.ts";
import { wholeList } from "../../http/paging.ts";
import type { RegisterRoute } from "../route-deps.ts";

const route = createRoute({
  method: "get",
  path: "/api/templates",
  operationId: "listTemplates",
  tags: ["Projects"],
  summary: "List the templates that a project can start from",
  responses: { 200: json(listSchema(templateSchema), "All of them."), ...problems() },
});

export const registerListTemplates: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => c.json(wholeList(await projects.templates()), 200));
};
