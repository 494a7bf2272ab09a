import { createRoute } from "@hono/zod-openapi";
import { putFilesResponseSchema } from "../../../docs/named-schemas.ts";
import { json, problems } from "../../../http/answers.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { FILE_PATTERN, fileParams } from "../project-params.ts";

const route = createRoute({
  method: "delete",
  path: FILE_PATTERN,
  operationId: "deleteFile",
  tags: ["Files"],
  summary: "Delete a file",
  request: { params: fileParams },
  responses: {
    200: json(putFilesResponseSchema, "The project's new version."),
    ...problems("invalid_id", "not_found", "conflict", "validation"),
  },
});

export const registerDeleteFile: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const { id, path } = c.req.valid("param");
    await projects.file(c.get("caller"), id, path);
    return c.json(await projects.putFiles(c.get("caller"), id, { deletes: [path] }), 200);
  });
};
