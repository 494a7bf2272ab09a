import { randomUUID } from "node:crypto";
import type { Clock, Log } from "@velocity/core";
import type { Context, MiddlewareHandler } from "hono";
import { matchedRoutes } from "hono/route";
import type { ApiEnv } from "../deps.ts";

/** Gives every request its id and its one log event, written when the last byte of the answer is on its way. */
export function requestLog(deps: { readonly log: Log; readonly clock: Clock }): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const startedAt = deps.clock.now().getTime();
    const requestId = randomUUID();
    c.set("requestId", requestId);
    await next();
    // The web handler's answers may have headers that cannot be changed.
    c.res = new Response(c.res.body, c.res);
    c.res.headers.set("x-request-id", requestId);
    c.res.headers.set("x-content-type-options", "nosniff");
    if (c.req.path.startsWith("/api/") && !c.res.headers.has("cache-control"))
      c.res.headers.set("cache-control", "no-store");
    const { status } = c.res;
    const write = () => logRequest(deps.log, c, status, deps.clock.now().getTime() - startedAt);
    const streamEnd = c.get("streamEnd");
    if (streamEnd === undefined) write();
    else void streamEnd.then(write);
  };
}

function logRequest(log: Log, c: Context<ApiEnv>, status: number, durationMs: number): void {
  const fields = {
    event: "api.request",
    requestId: c.get("requestId"),
    method: c.req.method,
    // The pattern, never the address: that has ids and could have secrets.
    route: matchedRoutes(c).findLast((route) => route.method !== "ALL")?.path ?? "unmatched",
    status,
    durationMs,
    userId: c.get("caller")?.userId,
  };
  const failure = c.get("failure");
  if (status >= 500) log.error({ ...fields, error: failure }, "request failed");
  else if (status >= 400) log.info({ ...fields, code: codeOf(failure) }, "request refused");
  else log.info(fields, "request");
}

function codeOf(failure: unknown): unknown {
  return typeof failure === "object" && failure !== null && "code" in failure ? failure.code : undefined;
}
