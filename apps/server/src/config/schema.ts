import { networkPolicySchema } from "@velocity/contract";
import { z } from "zod";
import { Secret } from "./secret.ts";

/** One environment variable: its schema, and the sentence that the reference page shows. */
interface Setting<T extends z.ZodType> {
  readonly schema: T;
  readonly doc: string;
}

function setting<T extends z.ZodType>(schema: T, doc: string): Setting<T> {
  return { schema, doc };
}

const list = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== ""),
);

/**
 * Every setting of the server, by environment variable. The reference page is generated from it. An empty value counts
 * as unset. Values that a later release will accept are refused here with words that say so.
 */
export const SETTINGS = {
  VELOCITY_PORT: setting(
    z.coerce.number().int().min(0).max(65_535).default(4400),
    "Port to listen on; 0 picks a free one.",
  ),
  VELOCITY_HOST: setting(z.string().default("127.0.0.1"), "Address to listen on."),
  VELOCITY_DATA_DIR: setting(
    z.string().default("./.velocity"),
    "Database, workspaces and caches of the embedded set-up.",
  ),
  DATABASE_URL: setting(
    z
      .string()
      .regex(/^postgres(ql)?:\/\//, "must be a postgres:// URL")
      .transform((text) => new Secret(text))
      .optional(),
    "PostgreSQL; unset: the embedded PGlite in the data folder.",
  ),
  VELOCITY_DRIVER: setting(
    z.enum(["process"], "only the process driver is available in this version").default("process"),
    "Container engine: `process` (Docker, Fly.io and Kubernetes are not available yet).",
  ),
  VELOCITY_PREVIEW_DOMAIN: setting(
    z
      .string()
      .toLowerCase()
      .regex(/^[a-z0-9-]+(\.[a-z0-9-]+)*$/, "must be a host name without port")
      .default("velocity.localhost"),
    "Sessions live at `<id>.<domain>[:port]`.",
  ),
  VELOCITY_PUBLIC_URL: setting(
    z.url({ protocol: /^https?$/ }).optional(),
    "Where people reach the API and the pages; default `http://<preview domain>:<port>`.",
  ),
  VELOCITY_AUTH: setting(
    z.enum(["none"], "only none is available in this version").default("none"),
    "`none`, on loopback only (keys and JWT are not available yet).",
  ),
  VELOCITY_POOL_SIZE: setting(
    z.coerce.number().int().min(0).max(100).default(1),
    "Warm containers kept ready per template in use.",
  ),
  VELOCITY_NETWORK_MAX: setting(
    networkPolicySchema.default("full"),
    "The most network access a project may ask for: `none`, `registry` or `full`.",
  ),
  VELOCITY_GIT_HOSTS: setting(
    list
      .pipe(z.array(z.string().regex(/^[A-Za-z0-9._-]+(:\d{1,5})?$/, "must be host or host:port, by commas")))
      .optional(),
    "Git servers on private addresses that projects may be fetched from, as `host` or `host:port`, by commas.",
  ),
  VELOCITY_EDITOR_ORIGINS: setting(
    list.pipe(z.array(z.url())).optional(),
    "Origins that may frame previews and call the API from a browser; default the public URL.",
  ),
  VELOCITY_LOG: setting(
    z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    "Log level; pretty on a terminal, JSON otherwise.",
  ),
} as const;

type Values = { readonly [K in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[K]["schema"]> };

/** The settings in the words of the code, grouped as the parts take them. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly databaseUrl: Secret | null;
  readonly driver: Values["VELOCITY_DRIVER"];
  readonly previewDomain: string;
  /** Without a trailing slash; null: made from the preview domain and the port really bound. */
  readonly publicUrl: string | null;
  readonly auth: Values["VELOCITY_AUTH"];
  readonly poolSize: number;
  readonly networkMax: Values["VELOCITY_NETWORK_MAX"];
  readonly gitHosts: readonly string[];
  /** Null: the public URL's origin. */
  readonly editorOrigins: readonly string[] | null;
  readonly logLevel: Values["VELOCITY_LOG"];
}
