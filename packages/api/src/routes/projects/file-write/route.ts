import { isUtf8 } from "node:buffer";
import { createRoute } from "@hono/zod-openapi";
import { type FileContent, VelocityError } from "@velocity/contract";
import { putFilesResponseSchema } from "../../../docs/named-schemas.ts";
import { bytes, json, problems } from "../../../http/answers.ts";
import { unsupportedMediaType } from "../../../http/to-velocity-error.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { FILE_PATTERN, fileParams } from "../project-params.ts";

const route = createRoute({
  method: "put",
  path: FILE_PATTERN,
  operationId: "writeFile",
  tags: ["Files"],
  summary: "Write a file",
  description:
    "The body is the file, whatever its type. `If-Match` with the version that was read guards the write.",
  request: { params: fileParams, body: { required: true, ...bytes("The file.") } },
  responses: {
    200: json(putFilesResponseSchema, "The project's new version."),
    ...problems(
      "invalid_id",
      "not_found",
      "conflict",
      "payload_too_large",
      "unsupported_media_type",
      "validation",
      "disk_full",
    ),
  },
});

export const registerWriteFile: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    if (/^multipart\//i.test(c.req.header("content-type") ?? ""))
      throw unsupportedMediaType("the file's own bytes, not as a form");
    const { id, path } = c.req.valid("param");
    const baseVersion = guardedVersion(c.req.header("if-match"));
    const file = toFileContent(path, Buffer.from(await c.req.arrayBuffer()));
    const written = await projects.putFiles(c.get("caller"), id, {
      files: [file],
      ...(baseVersion === undefined ? {} : { baseVersion }),
    });
    return c.json(written, 200, { etag: `"${written.version}"` });
  });
};

/** Text stays text where nothing is lost by it. */
export function toFileContent(path: string, body: Buffer): FileContent {
  return isUtf8(body) && !body.includes(0)
    ? { path, content: body.toString("utf8"), encoding: "utf8" }
    : { path, content: body.toString("base64"), encoding: "base64" };
}

function guardedVersion(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined;
  const version = /^"(\d{1,15})"$/.exec(ifMatch)?.[1];
  if (version === undefined)
    throw new VelocityError(
      "bad_request",
      'If-Match takes a version as this server gave it out, such as "3".',
    );
  return Number(version);
}
