import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { sessionSchema } from "../../../docs/named-schemas.ts";
import { json, optionalJsonBody, problems } from "../../../http/answers.ts";
import { presentSession } from "../../../views/session-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { ENGINE_CODES, sessionParams } from "../session-action.ts";

const route = createRoute({
  method: "post",
  path: "/api/sessions/{id}/suspend",
  operationId: "suspendSession",
  tags: ["Sessions"],
  summary: "Suspend a session to a level",
  description: "`freeze` keeps memory where the engine can, `hibernate` keeps only the workspace.",
  request: {
    params: sessionParams,
    ...optionalJsonBody(z.strictObject({ level: z.enum(["freeze", "hibernate"]).default("freeze") })),
  },
  responses: {
    200: json(sessionSchema, "The session."),
    ...problems(
      "invalid_id",
      "invalid_json",
      "not_found",
      "invalid_state",
      "unsupported_media_type",
      "validation",
      ...ENGINE_CODES,
    ),
  },
});

export const registerSuspendSession: RegisterRoute = (app, { sessions, config }) => {
  app.openapi(route, async (c) => {
    const level = c.req.valid("json").level === "hibernate" ? "hibernated" : "frozen";
    const view = await sessions.suspend(c.get("caller"), c.req.valid("param").id, level);
    return c.json(presentSession(view, config), 200);
  });
};
