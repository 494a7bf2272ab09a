import { createRoute } from "@hono/zod-openapi";
import type { LogLine } from "@velocity/contract";
import { z } from "zod";
import { logLineSchema } from "../../../docs/named-schemas.ts";
import { problems, stream } from "../../../http/answers.ts";
import { queryFlag } from "../../../http/paging.ts";
import { toVelocityError } from "../../../http/to-velocity-error.ts";
import { streamAnswer } from "../../../streams/stream-answer.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { sessionParams } from "../session-action.ts";

const route = createRoute({
  method: "get",
  path: "/api/sessions/{id}/logs",
  operationId: "sessionLogs",
  tags: ["Sessions"],
  summary: "Read a session's log",
  description: "One `LogLine` per line, oldest first; with `follow`, new ones as they come.",
  request: { params: sessionParams, query: z.strictObject({ follow: queryFlag.optional() }) },
  responses: {
    200: stream("application/x-ndjson", logLineSchema, "One `LogLine` per line."),
    ...problems(
      "invalid_id",
      "not_found",
      "invalid_state",
      "validation",
      "rate_limited",
      "no_capacity",
      "driver_failed",
    ),
  },
});

export const registerSessionLogs: RegisterRoute = (app, { sessions, streams, clock }) => {
  app.openapi(route, (c) => {
    const { id } = c.req.valid("param");
    const follow = c.req.valid("query").follow ?? false;
    return streamAnswer(
      c,
      streams,
      "application/x-ndjson; charset=utf-8",
      ({ signal }) => sessions.logs(c.get("caller"), id, { follow, signal }),
      { encode: encodeLine, failure: (error) => encodeLine(failureLine(error, clock.now())) },
    );
  });
};

function encodeLine(line: LogLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** Says in the log itself that it is not complete. */
function failureLine(error: unknown, at: Date): LogLine {
  const text = `The log ends here: ${toVelocityError(error).publicMessage}`;
  return { at: at.toISOString(), source: "agent", stream: "stderr", text };
}
