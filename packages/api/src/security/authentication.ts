import { VelocityError } from "@velocity/contract";
import type { Caller } from "@velocity/core";
import type { MiddlewareHandler } from "hono";
import type { Authenticator } from "../auth/authenticator.ts";
import type { ApiEnv } from "../deps.ts";

/** Described to everyone: it holds no data. */
const PUBLIC_PATHS = new Set(["/api/openapi.json"]);

export function authentication(authenticator: Authenticator): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (PUBLIC_PATHS.has(c.req.path)) return next();
    const caller = await authenticator.authenticate({ authorization: c.req.header("authorization") ?? null });
    if (caller === null) throw new VelocityError("unauthorized", "Send a valid API key as a bearer token.");
    c.set("caller", caller);
    return next();
  };
}

/** Throws `forbidden` for anyone but an admin. */
export function requireAdmin(caller: Caller): void {
  if (caller.role !== "admin") throw new VelocityError("forbidden", "Only an admin may do this.");
}

/** Someone else's `userId` is honoured only from admins (and so with authentication off). */
export function requireOwnUserId(caller: Caller, userId: string | undefined): void {
  if (userId !== undefined && userId !== caller.userId && caller.role !== "admin")
    throw new VelocityError("forbidden", "Only an admin may name another user.");
}
