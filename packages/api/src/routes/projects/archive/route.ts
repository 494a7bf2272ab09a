import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { putFilesResponseSchema } from "../../../docs/named-schemas.ts";
import { json, problems } from "../../../http/answers.ts";
import { unsupportedMediaType } from "../../../http/to-velocity-error.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { projectParams } from "../project-params.ts";

/** The names that a tar.gz goes by. */
const TYPES = [
  "application/gzip",
  "application/x-gzip",
  "application/x-tar+gzip",
  "application/octet-stream",
] as const;
const archive = { schema: z.string().meta({ format: "binary" }) };

const route = createRoute({
  method: "post",
  path: "/api/projects/{id}/archive",
  operationId: "importArchive",
  tags: ["Files"],
  summary: "Replace all files by an archive",
  description:
    "The body is a tar.gz of at most 64 MB. Its files become the project's files, all or none; what is not in it is deleted. `node_modules` and `.git` are left out, and so is the one folder that everything may be in. Links, devices, unsafe or clashing paths, and more than 5,000 entries, 32 MB a file or 50 MB in all are refused. Reaches every live session of the project.",
  request: {
    params: projectParams,
    body: {
      required: true,
      content: {
        "application/gzip": archive,
        "application/x-gzip": archive,
        "application/x-tar+gzip": archive,
        "application/octet-stream": archive,
      },
    },
  },
  responses: {
    200: json(putFilesResponseSchema, "The project's new version."),
    ...problems(
      "invalid_id",
      "not_found",
      "conflict",
      "invalid_state",
      "payload_too_large",
      "unsupported_media_type",
      "unsafe_archive",
      "validation",
      "disk_full",
    ),
  },
});

export const registerImportArchive: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const [type] = (c.req.header("content-type") ?? "").split(";");
    if (!TYPES.some((known) => known === type?.trim().toLowerCase()))
      throw unsupportedMediaType("application/gzip, a tar.gz archive");
    const body = new Uint8Array(await c.req.arrayBuffer());
    return c.json(await projects.importArchive(c.get("caller"), c.req.valid("param").id, once(body)), 200);
  });
};

async function* once(body: Uint8Array): AsyncGenerator<Uint8Array> {
  if (body.byteLength > 0) yield body;
}
