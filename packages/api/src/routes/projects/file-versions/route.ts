import { createRoute } from "@hono/zod-openapi";
import { filePathSchema, listSchema } from "@velocity/contract";
import { z } from "zod";
import { json, problems } from "../../../http/answers.ts";
import { wholeList } from "../../../http/paging.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { projectParams } from "../project-params.ts";

const versionSchema = z.object({
  version: z.int(),
  deleted: z.boolean(),
  size: z.int(),
  at: z.iso.datetime(),
});

const route = createRoute({
  method: "get",
  path: "/api/projects/{id}/versions",
  operationId: "fileVersions",
  tags: ["Files"],
  summary: "List the versions of a file",
  request: { params: projectParams, query: z.strictObject({ path: filePathSchema }) },
  responses: {
    200: json(listSchema(versionSchema), "The versions of this file."),
    ...problems("invalid_id", "not_found", "validation"),
  },
});

export const registerFileVersions: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const { path } = c.req.valid("query");
    const versions = await projects.versions(c.get("caller"), c.req.valid("param").id, path);
    return c.json(wholeList(versions.map((row) => ({ ...row, at: row.at.toISOString() }))), 200);
  });
};
