import { silentLog, systemClock } from "@velocity/core";
import { noAuthenticator } from "../auth/no-authenticator.ts";
import { createApp } from "../create-api.ts";
import { StreamRegistry } from "../streams/stream-registry.ts";
import { type OpenApiDocument, openApiDocument } from "./openapi-document.ts";

/** The document without a server: the routes are registered over services that nobody calls. */
export function describeApi(version: string): OpenApiDocument {
  const app = createApp({
    sessions: unused("sessions"),
    projects: unused("projects"),
    idempotency: unused("idempotency"),
    driver: unused("driver"),
    pool: unused("pool"),
    authenticator: noAuthenticator,
    health: () => Promise.reject(new Error("not running")),
    config: {
      publicUrl: "http://velocity.localhost:4400",
      previewDomain: "velocity.localhost",
      port: 4400,
      authMode: "none",
      version,
      editorOrigins: [],
    },
    log: silentLog,
    clock: systemClock,
    streams: new StreamRegistry(),
    isClosing: () => false,
  });
  return openApiDocument(app, version);
}

/** Stands where a service would; registering routes touches none of it. */
function unused<T extends object>(name: string): T {
  const refuse = () => {
    throw new Error(`${name} is not there while the API is only described`);
  };
  return new Proxy({}, { get: refuse }) as T;
}
