import { createRoute } from "@hono/zod-openapi";
import { z } from "zod";
import { sessionSchema } from "../../../docs/named-schemas.ts";
import { json, optionalJsonBody, problems } from "../../../http/answers.ts";
import { presentSession } from "../../../views/session-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { ENGINE_CODES, sessionParams } from "../session-action.ts";

const route = createRoute({
  method: "post",
  path: "/api/sessions/{id}/restart",
  operationId: "restartSession",
  tags: ["Sessions"],
  summary: "Restart a session's dev server, or its container",
  request: {
    params: sessionParams,
    ...optionalJsonBody(z.strictObject({ target: z.enum(["server", "container"]).default("server") })),
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
      "server_exited",
      "server_not_listening",
      ...ENGINE_CODES,
    ),
  },
});

export const registerRestartSession: RegisterRoute = (app, { sessions, config }) => {
  app.openapi(route, async (c) => {
    const target = c.req.valid("json").target ?? "server";
    const view = await sessions.restart(c.get("caller"), c.req.valid("param").id, target);
    return c.json(presentSession(view, config), 200);
  });
};
