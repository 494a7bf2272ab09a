import { createRoute } from "@hono/zod-openapi";
import {
  listSchema,
  projectIdSchema,
  type SessionState,
  sessionStateSchema,
  userIdSchema,
} from "@velocity/contract";
import { z } from "zod";
import { sessionSchema } from "../../../docs/named-schemas.ts";
import { json, problems } from "../../../http/answers.ts";
import { pageOf, pageQuery } from "../../../http/paging.ts";
import { requireOwnUserId } from "../../../security/authentication.ts";
import { presentSession } from "../../../views/session-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";

/** One state, or several separated by commas. */
const statesSchema = z
  .string()
  .transform((value): string[] => value.split(","))
  .pipe(z.array(sessionStateSchema).min(1).max(5));

const route = createRoute({
  method: "get",
  path: "/api/sessions",
  operationId: "listSessions",
  tags: ["Sessions"],
  summary: "List sessions",
  description: "The caller's own; an admin sees everyone's. `state` takes several, separated by commas.",
  request: {
    query: z.strictObject({
      projectId: projectIdSchema.optional(),
      userId: userIdSchema.optional(),
      state: statesSchema.optional(),
      ...pageQuery,
    }),
  },
  responses: { 200: json(listSchema(sessionSchema), "Newest first."), ...problems("validation") },
});

export const registerListSessions: RegisterRoute = (app, { sessions, config }) => {
  app.openapi(route, async (c) => {
    const query = c.req.valid("query");
    const caller = c.get("caller");
    requireOwnUserId(caller, query.userId);
    const states: readonly SessionState[] | undefined = query.state;
    const page = await sessions.list(
      caller,
      {
        ...(query.projectId === undefined ? {} : { projectId: query.projectId }),
        ...(query.userId === undefined ? {} : { userId: query.userId }),
        ...(states === undefined ? {} : { states }),
      },
      pageOf(query),
    );
    const items = page.items.map((view) => presentSession(view, config));
    return c.json({ items, nextCursor: page.nextCursor }, 200);
  });
};
