import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { OpenAPIHono } from "@hono/zod-openapi";
import { VelocityError } from "@velocity/contract";
import type { Context } from "hono";
import type { ApiDeps, ApiEnv } from "./deps.ts";
import { openApiDocument } from "./docs/openapi-document.ts";
import { registerDocs } from "./docs/register-docs.ts";
import { type AllowTable, allowTable } from "./http/allow-table.ts";
import { problemResponse } from "./http/problem-response.ts";
import { requestBody } from "./http/request-body.ts";
import { requestLog } from "./http/request-log.ts";
import { toVelocityError } from "./http/to-velocity-error.ts";
import { validationHook } from "./http/validation-hook.ts";
import { requireMethod, webFallback } from "./http/web-fallback.ts";
import { idempotency } from "./idempotency/idempotency.ts";
import { ROUTES } from "./routes/register-routes.ts";
import type { ApiApp, RouteDeps } from "./routes/route-deps.ts";
import { authentication } from "./security/authentication.ts";
import { apiGuard } from "./security/guard.ts";
import { StreamRegistry } from "./streams/stream-registry.ts";

/** The API as a server mounts it. */
export interface Api {
  /** Answers any request; never throws. */
  fetch(request: Request): Promise<Response>;
  /** The same for Node's HTTP server. */
  handle(request: IncomingMessage, response: ServerResponse): void;
  /** Ends every open stream and refuses new calls. Calls under way go on. */
  close(): void;
}

/** Builds API, documentation and web fallback over the services of core. */
export function createApi(deps: ApiDeps): Api {
  const streams = new StreamRegistry();
  let closing = false;
  const app = createApp({ ...deps, streams, isClosing: () => closing });
  const listener = getRequestListener((request) => app.fetch(request), {
    overrideGlobalObjects: false,
    // What Node parsed but is no URL: a bad Host, an absolute form, a backslash.
    errorHandler: () =>
      problemResponse(new VelocityError("bad_request", "The request line or its Host header is malformed."), {
        path: "/",
        requestId: randomUUID(),
      }),
  });
  return {
    fetch: async (request) => app.fetch(request),
    handle: (request, response) => void listener(request, response),
    close() {
      closing = true;
      streams.closeAll();
    },
  };
}

/** The routes behind their middleware, in the order that a request meets them. Exported for the document generator. */
export function createApp(deps: RouteDeps): ApiApp {
  const app: ApiApp = new OpenAPIHono<ApiEnv>({ defaultHook: (result) => validationHook(result) });
  let allowed: AllowTable | undefined;
  const allow = (path: string) => {
    allowed ??= allowTable(app.routes);
    return allowed.methods(path);
  };

  const refuse = (thrown: unknown, c: Context<ApiEnv>) => {
    c.set("failure", thrown);
    return problemResponse(toVelocityError(thrown), { path: c.req.path, requestId: c.get("requestId") });
  };
  app.onError(refuse);
  const fallback = webFallback({ ...deps, allow });
  // Caught here: with a single middleware, Hono lets what notFound throws pass by that middleware.
  app.notFound((c) => fallback(c).catch((thrown: unknown) => refuse(thrown, c)));

  app.use("*", requestLog(deps));
  app.use("/api/*", apiGuard(deps.config));
  app.use("/api/*", async (c, next) => {
    if (c.req.method !== "OPTIONS") return next();
    const methods = allow(c.req.path);
    if (methods.length === 0) return next();
    return c.body(null, 204, { allow: methods.join(", ") });
  });
  app.use("/api/*", async (_c, next) => {
    if (deps.isClosing()) throw new VelocityError("shutting_down", "The server is shutting down.");
    await next();
  });
  app.use("/api/*", authentication(deps.authenticator));
  app.use("/api/*", async (c, next) => {
    requireMethod(c.req.method, allow(c.req.path));
    await next();
  });
  app.use("/api/*", requestBody());
  app.use("/api/*", idempotency({ store: deps.idempotency, clock: deps.clock }));

  for (const register of ROUTES) register(app, deps);
  registerDocs(app, openApiDocument(app, deps.config.version));
  return app;
}
