import { createRoute } from "@hono/zod-openapi";
import { type ErrorCode, type SessionId, sessionIdSchema } from "@velocity/contract";
import type { Caller, SessionView } from "@velocity/core";
import { z } from "zod";
import { sessionSchema } from "../../docs/named-schemas.ts";
import { json, problems } from "../../http/answers.ts";
import { presentSession } from "../../views/session-view.ts";
import type { RegisterRoute, RouteDeps } from "../route-deps.ts";

export const sessionParams = z.object({ id: sessionIdSchema });

/** What may go wrong where a container is asked to do something. */
export const ENGINE_CODES = [
  "driver_failed",
  "driver_unavailable",
  "shutting_down",
  "operation_timeout",
] as const satisfies readonly ErrorCode[];

/** A call on one session that takes no body and answers the session. */
export function sessionAction(action: {
  readonly method: "post" | "delete" | "get";
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly run: (deps: RouteDeps, caller: Caller, id: SessionId) => Promise<SessionView>;
}): RegisterRoute {
  const route = createRoute({
    method: action.method,
    path: `/api/sessions/{id}${action.path}`,
    operationId: action.operationId,
    tags: ["Sessions"],
    summary: action.summary,
    ...(action.description === undefined ? {} : { description: action.description }),
    request: { params: sessionParams },
    responses: {
      200: json(sessionSchema, "The session."),
      ...problems("invalid_id", "not_found", "invalid_state", ...ENGINE_CODES),
    },
  });
  return (app, deps) => {
    app.openapi(route, async (c) => {
      const view = await action.run(deps, c.get("caller"), c.req.valid("param").id);
      return c.json(presentSession(view, deps.config), 200);
    });
  };
}
