import { createRoute } from "@hono/zod-openapi";
import { execResultSchema, execSchema } from "../../../docs/named-schemas.ts";
import { json, jsonBody, problems } from "../../../http/answers.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { ENGINE_CODES, sessionParams } from "../session-action.ts";

const route = createRoute({
  method: "post",
  path: "/api/sessions/{id}/exec",
  operationId: "execInSession",
  tags: ["Sessions"],
  summary: "Run a command inside a session's container",
  description:
    "Ends with the command, its time limit, or the client; output beyond the limit is cut and marked.",
  request: { params: sessionParams, ...jsonBody(execSchema) },
  responses: {
    200: json(execResultSchema, "The command ran; see `exitCode`."),
    ...problems(
      "invalid_id",
      "invalid_json",
      "not_found",
      "invalid_state",
      "payload_too_large",
      "unsupported_media_type",
      "validation",
      ...ENGINE_CODES,
    ),
  },
});

export const registerExec: RegisterRoute = (app, { sessions }) => {
  app.openapi(route, async (c) => {
    const result = await sessions.exec(
      c.get("caller"),
      c.req.valid("param").id,
      c.req.valid("json"),
      c.req.raw.signal,
    );
    return c.json(result, 200);
  });
};
