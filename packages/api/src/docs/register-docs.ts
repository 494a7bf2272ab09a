import type { Context } from "hono";
import type { ApiEnv } from "../deps.ts";
import type { ApiApp } from "../routes/route-deps.ts";
import { errorsPage } from "./errors-page.ts";
import type { OpenApiDocument } from "./openapi-document.ts";
import { referencePage } from "./reference-page.ts";

/** No script, nothing from elsewhere, not to be framed. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The document and the two pages made from it. All three are made once. */
export function registerDocs(app: ApiApp, document: OpenApiDocument): void {
  const reference = referencePage(document);
  const errors = errorsPage();
  app.get("/api/openapi.json", (c) => c.json(document));
  app.get("/docs", (c) => page(c, reference));
  app.get("/docs/errors", (c) => page(c, errors));
}

function page(c: Context<ApiEnv>, html: string): Response {
  return c.html(html, 200, {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "referrer-policy": "no-referrer",
  });
}
