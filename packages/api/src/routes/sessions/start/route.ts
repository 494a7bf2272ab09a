import { createRoute } from "@hono/zod-openapi";
import { isErrorCode, VelocityError } from "@velocity/contract";
import type { StartOutcome } from "@velocity/core";
import { startRequestSchema, startResponseSchema } from "../../../docs/named-schemas.ts";
import { json, jsonBody, problems } from "../../../http/answers.ts";
import { requireOwnUserId } from "../../../security/authentication.ts";
import { presentSession } from "../../../views/session-view.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { ENGINE_CODES } from "../session-action.ts";

const route = createRoute({
  method: "post",
  path: "/api/sessions/start",
  operationId: "startSession",
  tags: ["Sessions"],
  summary: "Start a session, or come back to it",
  description:
    "Reuses the live session of this project and user unless `forceNew`. With `wait: false`, or when `waitMs` is " +
    "over, answers 202 and the operation goes on.",
  request: jsonBody(startRequestSchema),
  responses: {
    200: json(startResponseSchema, "A session that existed already, or the start of another caller joined."),
    201: json(startResponseSchema, "A new session, ready to be opened."),
    202: json(startResponseSchema, "Not done yet; the operation goes on."),
    ...problems(
      "invalid_json",
      "not_found",
      "conflict",
      "payload_too_large",
      "unsupported_media_type",
      "validation",
      "quota",
      "start_failed",
      "install_failed",
      "server_exited",
      "server_not_listening",
      "no_capacity",
      "disk_full",
      ...ENGINE_CODES,
    ),
  },
});

export const registerStartSession: RegisterRoute = (app, { sessions, config }) => {
  app.openapi(route, async (c) => {
    const options = c.req.valid("json");
    const caller = c.get("caller");
    requireOwnUserId(caller, options.userId);
    const outcome = await sessions.start(caller, options);
    throwIfFailed(outcome);
    c.header("location", `/api/sessions/${outcome.session.id}`);
    return c.json(
      {
        session: presentSession(outcome, config),
        reused: outcome.reused,
        source: outcome.source,
        timings: outcome.timings,
      },
      !outcome.done ? 202 : outcome.created ? 201 : 200,
    );
  });
};

/** A session that ended while it was waited for is its own error, not a success with bad news inside. */
function throwIfFailed({ done, session }: StartOutcome): void {
  if (!done || session.error === null || session.state !== "terminated") return;
  const { code, message } = session.error;
  throw new VelocityError(isErrorCode(code) ? code : "start_failed", message);
}
