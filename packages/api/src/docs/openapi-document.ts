import type { ApiApp } from "../routes/route-deps.ts";

/** An OpenAPI 3.1 document. */
export type OpenApiDocument = ReturnType<ApiApp["getOpenAPI31Document"]>;

const DESCRIPTION = `Live previews of projects: start a session, get a URL that serves its real dev server.

Every error is \`application/problem+json\` (RFC 9457) with a \`code\`, listed at [/docs/errors](/docs/errors).
Mutations accept \`Idempotency-Key\`. Lists are \`{items, nextCursor}\`; pass \`nextCursor\` back as \`cursor\`.
Times are ISO 8601 in UTC; durations end in \`Ms\`.`;

/** Describes the registered routes; nothing in it is written by hand but this head. */
export function openApiDocument(app: ApiApp, version: string): OpenApiDocument {
  if (app.openAPIRegistry.definitions.every((definition) => definition.type !== "component"))
    app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
      type: "http",
      scheme: "bearer",
      description: "An API key. Not needed where authentication is off.",
    });
  const document = app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Velocity",
      version,
      description: DESCRIPTION,
      license: { name: "MIT" },
    },
    servers: [{ url: "/" }],
    security: [{ bearer: [] }, {}],
    tags: [
      { name: "Sessions", description: "A project's running preview, owned by one user." },
      { name: "Projects", description: "What previews are made from." },
      { name: "Files", description: "A project's files, versioned; a write reaches every live session." },
      { name: "Operation", description: "Health and capabilities of the server." },
    ],
  });
  const paths = Object.entries(document.paths ?? {}).map(
    ([path, item]) => [path.replace("{path{.+}}", "{path}"), item] as const,
  );
  return { ...document, paths: Object.fromEntries(paths) };
}
