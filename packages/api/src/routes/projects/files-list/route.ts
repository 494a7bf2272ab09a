import { createRoute } from "@hono/zod-openapi";
import { listSchema, VelocityError } from "@velocity/contract";
import { z } from "zod";
import { fileEntrySchema } from "../../../docs/named-schemas.ts";
import { json, problems } from "../../../http/answers.ts";
import { pageQuery, queryInt } from "../../../http/paging.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { projectParams } from "../project-params.ts";

/** A project rarely has more, and an entry is small: most clients never meet a second page. */
const MAX_ENTRIES = 5000;

const route = createRoute({
  method: "get",
  path: "/api/projects/{id}/files",
  operationId: "listFiles",
  tags: ["Files"],
  summary: "List a project's files",
  request: {
    params: projectParams,
    query: z.strictObject({ ...pageQuery, limit: queryInt(1, MAX_ENTRIES).optional() }),
  },
  responses: {
    200: json(listSchema(fileEntrySchema), "By path."),
    ...problems("invalid_id", "not_found", "validation"),
  },
});

export const registerListFiles: RegisterRoute = (app, { projects }) => {
  app.openapi(route, async (c) => {
    const { limit = MAX_ENTRIES, cursor } = c.req.valid("query");
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const entries = await projects.entries(c.get("caller"), c.req.valid("param").id);
    const rest = entries
      .filter((entry) => after === undefined || entry.path > after)
      .sort((a, b) => (a.path < b.path ? -1 : 1));
    const items = rest.slice(0, limit);
    const last = items.at(-1);
    const nextCursor = rest.length > items.length && last !== undefined ? encodeCursor(last.path) : null;
    return c.json({ items, nextCursor }, 200);
  });
};

function encodeCursor(path: string): string {
  return Buffer.from(path).toString("base64url");
}

function decodeCursor(cursor: string): string {
  const path = Buffer.from(cursor, "base64url").toString();
  if (encodeCursor(path) !== cursor)
    throw new VelocityError("bad_request", "The cursor is not one that this server gave out.");
  return path;
}
