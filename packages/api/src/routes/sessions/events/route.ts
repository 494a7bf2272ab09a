import { createRoute } from "@hono/zod-openapi";
import { VelocityError } from "@velocity/contract";
import { z } from "zod";
import { sessionEventSchema } from "../../../docs/named-schemas.ts";
import { problems, stream } from "../../../http/answers.ts";
import {
  EVENT_STREAM_PREAMBLE,
  encodeEvent,
  encodeFailure,
  KEEP_ALIVE,
  KEEP_ALIVE_MS,
} from "../../../streams/event-stream.ts";
import { streamAnswer } from "../../../streams/stream-answer.ts";
import type { RegisterRoute } from "../../route-deps.ts";
import { sessionParams } from "../session-action.ts";

const route = createRoute({
  method: "get",
  path: "/api/sessions/{id}/events",
  operationId: "sessionEvents",
  tags: ["Sessions"],
  summary: "Follow a session's events",
  description:
    "Server-sent events: first what happened after `Last-Event-ID` (header, or `lastEventId` for clients that cannot " +
    "set headers; without either, everything still kept), then live. The data of each is a `SessionEvent`.",
  request: {
    params: sessionParams,
    query: z.strictObject({ lastEventId: z.string().optional() }),
    headers: z.object({ "last-event-id": z.string().optional() }),
  },
  responses: {
    200: stream(
      "text/event-stream",
      sessionEventSchema,
      "One `SessionEvent` per event; comments keep the connection alive.",
    ),
    ...problems("invalid_id", "not_found", "validation", "rate_limited", "no_capacity"),
  },
});

export const registerSessionEvents: RegisterRoute = (app, { sessions, streams, clock }) => {
  app.openapi(route, (c) => {
    const { id } = c.req.valid("param");
    const afterId = resumePoint(c.req.header("last-event-id") ?? c.req.valid("query").lastEventId);
    return streamAnswer(
      c,
      streams,
      "text/event-stream; charset=utf-8",
      ({ signal }) => sessions.events(c.get("caller"), id, afterId, signal),
      {
        encode: encodeEvent,
        preamble: EVENT_STREAM_PREAMBLE,
        keepAlive: { everyMs: KEEP_ALIVE_MS, text: KEEP_ALIVE, clock },
        failure: (error) => encodeFailure(error, clock.now()),
      },
    );
  });
};

function resumePoint(lastEventId: string | undefined): string | null {
  if (lastEventId === undefined || lastEventId === "") return null;
  if (!/^[\w.:~-]{1,128}$/.test(lastEventId))
    throw new VelocityError("bad_request", "Last-Event-ID is not the id of an event.");
  return lastEventId;
}
