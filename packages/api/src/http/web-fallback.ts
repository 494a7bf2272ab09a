import { VelocityError } from "@velocity/contract";
import type { Context } from "hono";
import type { ApiConfig, ApiEnv, WebHandler } from "../deps.ts";

/** Paths that belong to the API even where nothing is registered: the web app must not answer them with a page. */
const OWN_PATHS = /^\/(api|health|ready|docs|metrics)(\/|$)/;

export interface WebFallbackDeps {
  readonly config: ApiConfig;
  readonly web?: WebHandler;
  readonly allow: (path: string) => readonly string[];
}

/** What no route took: a wrong method, a page of the web app, or nothing at all. */
export function webFallback(deps: WebFallbackDeps) {
  return async (c: Context<ApiEnv>): Promise<Response> => {
    const { path, method } = c.req;
    requireMethod(method, deps.allow(path));
    if (OWN_PATHS.test(path) || deps.web === undefined)
      throw new VelocityError("not_found", "There is nothing at this address.");
    requireMethod(method, ["GET", "HEAD"]);
    const redirect = pageRedirect(
      {
        url: new URL(c.req.url),
        accept: c.req.header("accept") ?? "",
        userAgent: c.req.header("user-agent") ?? "",
      },
      deps.config.publicUrl,
    );
    if (redirect !== null) return c.redirect(redirect, 302);
    const page = await deps.web(c.req.raw);
    if (page === null) throw new VelocityError("not_found", "There is no such page.");
    return page;
  };
}

/** Throws `method_not_allowed` where the path answers to others only; a path that answers to none is left alone. */
export function requireMethod(method: string, allowed: readonly string[]): void {
  if (allowed.length === 0 || allowed.includes(method)) return;
  const allow = allowed.join(", ");
  throw new VelocityError("method_not_allowed", `This address answers ${allow}.`, { context: { allow } });
}

/**
 * Where a page asked for at another name of this server really lives: there pages and their previews are same-site.
 * Safari does not resolve `*.localhost` and is left where it is.
 */
export function pageRedirect(
  asked: { readonly url: URL; readonly accept: string; readonly userAgent: string },
  publicUrl: string,
): string | null {
  const target = new URL(publicUrl);
  if (asked.url.host === target.host || !asked.accept.includes("text/html")) return null;
  if (target.hostname.endsWith(".localhost") && isSafari(asked.userAgent)) return null;
  return `${target.origin}${asked.url.pathname}${asked.url.search}`;
}

function isSafari(userAgent: string): boolean {
  return /\bSafari\//.test(userAgent) && !/Chrome|Chromium|CriOS|FxiOS|Edg|Android/.test(userAgent);
}
