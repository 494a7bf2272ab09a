import { createRoute } from "@hono/zod-openapi";
import { putFilesResponseSchema, putFilesSchema } from "../../../docs/named-schemas.ts";
import { json, jsonBody, problems } from "../../../http/answers.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { projectParams } from "../project-params.ts";

const route = createRoute({
  method: "put",
  path: "/api/projects/{id}/files",
  operationId: "putFiles",
  tags: ["Files"],
  summary: "Write and delete files, all or none",
  description:
    "Reaches every live session of the project. `conflict` where a file changed after `baseVersion`.",
  request: { params: projectParams, ...jsonBody(putFilesSchema) },
  responses: {
    200: json(putFilesResponseSchema, "The project's new version."),
    ...problems(
      "invalid_id",
      "invalid_json",
      "not_found",
      "conflict",
      "payload_too_large",
      "unsupported_media_type",
      "validation",
      "disk_full",
    ),
  },
});

export const registerPutFiles: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const change = c.req.valid("json");
    return c.json(await projects.putFiles(c.get("caller"), c.req.valid("param").id, change), 200);
  });
};
