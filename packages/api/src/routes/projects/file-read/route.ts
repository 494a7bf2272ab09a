import { createRoute } from "@hono/zod-openapi";
import { fileReadSchema } from "../../../docs/named-schemas.ts";
import { bytes, json, problems } from "../../../http/answers.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { FILE_PATTERN, fileParams } from "../project-params.ts";

const route = createRoute({
  method: "get",
  path: FILE_PATTERN,
  operationId: "readFile",
  tags: ["Files"],
  summary: "Read a file",
  description:
    "The file's bytes, with its version as `ETag` and `X-Velocity-File-Version`; with `Accept: application/json`, " +
    "content and version as JSON.",
  request: { params: fileParams },
  responses: {
    200: {
      ...bytes("The file."),
      content: {
        ...bytes("").content,
        ...json(fileReadSchema, "").content,
      },
    },
    304: { description: "Unchanged since the version named by `If-None-Match`." },
    ...problems("invalid_id", "not_found", "validation"),
  },
});

export const registerReadFile: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c): Promise<Response> => {
    const { id, path } = c.req.valid("param");
    const file = await projects.file(c.get("caller"), id, path);
    const headers = {
      etag: `"${file.version}"`,
      "x-velocity-file-version": String(file.version),
      "cache-control": "no-cache",
      vary: "Accept",
    };
    if (c.req.header("if-none-match") === headers.etag) return new Response(null, { status: 304, headers });
    if (wantsJson(c.req.header("accept"))) {
      const { content, encoding, version } = file;
      return c.json({ path: file.path, content, encoding, version }, 200, headers);
    }
    // Never the file's own type: HTML of a project must not run as a page of ours.
    const type = file.encoding === "utf8" ? "text/plain; charset=utf-8" : "application/octet-stream";
    const body = file.encoding === "utf8" ? file.content : Buffer.from(file.content, "base64");
    return new Response(body, { headers: { ...headers, "content-type": type } });
  });
};

function wantsJson(accept: string | undefined): boolean {
  return (
    accept !== undefined && /(^|,)\s*application\/json\s*(;|,|$)/i.test(accept) && !accept.includes("*/*")
  );
}
