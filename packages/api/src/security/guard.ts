import { VelocityError } from "@velocity/contract";
import type { MiddlewareHandler } from "hono";
import type { ApiConfig, ApiEnv } from "../deps.ts";
import { isApiHost } from "./host-policy.ts";
import { decideOrigin, type OriginPolicy } from "./origin-policy.ts";

const EXPOSED = "x-request-id, etag, location, retry-after, idempotency-replayed, x-velocity-file-version";
const PREFLIGHT_HEADERS = {
  "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
  "access-control-allow-headers":
    "accept, authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id",
  "access-control-max-age": "600",
};

/** Refuses what a foreign page could do to `/api`, answers CORS preflights, and marks answers as not for embedding. */
export function apiGuard(config: ApiConfig): MiddlewareHandler<ApiEnv> {
  const publicUrl = new URL(config.publicUrl);
  const policy: OriginPolicy = {
    publicOrigin: publicUrl.origin,
    editorOrigins: new Set(config.editorOrigins.map(normalOrigin)),
    previewDomain: config.previewDomain,
  };
  return async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    if (!isApiHost(host, publicUrl.host) || !isApiHost(new URL(c.req.url).host, publicUrl.host))
      throw new VelocityError(
        "forbidden",
        `The API does not answer at this host name. Use ${publicUrl.origin}, or set VELOCITY_PUBLIC_URL.`,
      );
    const preflight =
      c.req.method === "OPTIONS" && c.req.header("access-control-request-method") !== undefined;
    const decision = decideOrigin(
      {
        method: c.req.header("access-control-request-method") ?? c.req.method,
        host,
        origin: c.req.header("origin") ?? null,
        fetchSite: c.req.header("sec-fetch-site") ?? null,
      },
      policy,
    );
    if (decision.kind === "refused") throw new VelocityError("forbidden", decision.detail);
    if (preflight) c.res = new Response(null, { status: 204, headers: PREFLIGHT_HEADERS });
    else await next();
    c.res.headers.set("vary", "Origin, Sec-Fetch-Site");
    c.res.headers.set("cross-origin-resource-policy", "same-origin");
    if (decision.kind === "cors") {
      c.res.headers.set("access-control-allow-origin", decision.origin);
      c.res.headers.set("access-control-expose-headers", EXPOSED);
    }
    return undefined;
  };
}

function normalOrigin(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).origin : origin;
}
