import { createRoute } from "@hono/zod-openapi";
import { listSchema } from "@velocity/contract";
import { z } from "zod";
import { historyEntrySchema } from "../../../docs/named-schemas.ts";
import { json, problems } from "../../../http/answers.ts";
import { pageOf, pageQuery } from "../../../http/paging.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { sessionParams } from "../session-action.ts";

const route = createRoute({
  method: "get",
  path: "/api/sessions/{id}/history",
  operationId: "sessionHistory",
  tags: ["Sessions"],
  summary: "Every change of state, with its reason",
  request: { params: sessionParams, query: z.strictObject(pageQuery) },
  responses: {
    200: json(listSchema(historyEntrySchema), "Oldest first."),
    ...problems("invalid_id", "not_found", "validation"),
  },
});

export const registerSessionHistory: RegisterRoute = (app, { sessions }) => {
  app.openapi(route, async (c) => {
    const page = await sessions.history(
      c.get("caller"),
      c.req.valid("param").id,
      pageOf(c.req.valid("query")),
    );
    return c.json({ items: [...page.items], nextCursor: page.nextCursor }, 200);
  });
};
