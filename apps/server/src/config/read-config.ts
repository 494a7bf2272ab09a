import { resolve } from "node:path";
import { VelocityError } from "@velocity/contract";
import { z } from "zod";
import { type Config, SETTINGS } from "./schema.ts";

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|localhost|::1|\[::1\])$/;

/**
 * The server's configuration from the environment, read once.
 *
 * @param env variables, e.g. `process.env`
 * @param cwd what a relative data folder is relative to
 * @throws VelocityError `config_invalid`, naming every variable that is wrong
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>, cwd: string): Config {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && value !== "" && Object.hasOwn(SETTINGS, name)) given[name] = value;
  }
  const parsed = shape.safeParse(given);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      path: issue.path.join("."),
      code: issue.code,
      message: issue.message,
    }));
    throw new VelocityError("config_invalid", errors.map((e) => `${e.path}: ${e.message}`).join("; "), {
      errors,
    });
  }
  const values = parsed.data;
  if (values.VELOCITY_AUTH === "none" && !LOOPBACK.test(values.VELOCITY_HOST)) {
    throw new VelocityError(
      "config_invalid",
      `VELOCITY_HOST=${values.VELOCITY_HOST} would open this server to the network without sign-in. Use 127.0.0.1`,
    );
  }
  return {
    host: values.VELOCITY_HOST,
    port: values.VELOCITY_PORT,
    dataDir: resolve(cwd, values.VELOCITY_DATA_DIR),
    databaseUrl: values.DATABASE_URL ?? null,
    driver: values.VELOCITY_DRIVER,
    previewDomain: values.VELOCITY_PREVIEW_DOMAIN,
    publicUrl: values.VELOCITY_PUBLIC_URL?.replace(/\/+$/, "") ?? null,
    auth: values.VELOCITY_AUTH,
    poolSize: values.VELOCITY_POOL_SIZE,
    networkMax: values.VELOCITY_NETWORK_MAX,
    gitHosts: values.VELOCITY_GIT_HOSTS ?? [],
    editorOrigins: values.VELOCITY_EDITOR_ORIGINS ?? null,
    logLevel: values.VELOCITY_LOG,
  };
}

const shape = z.object({
  VELOCITY_PORT: SETTINGS.VELOCITY_PORT.schema,
  VELOCITY_HOST: SETTINGS.VELOCITY_HOST.schema,
  VELOCITY_DATA_DIR: SETTINGS.VELOCITY_DATA_DIR.schema,
  DATABASE_URL: SETTINGS.DATABASE_URL.schema,
  VELOCITY_DRIVER: SETTINGS.VELOCITY_DRIVER.schema,
  VELOCITY_PREVIEW_DOMAIN: SETTINGS.VELOCITY_PREVIEW_DOMAIN.schema,
  VELOCITY_PUBLIC_URL: SETTINGS.VELOCITY_PUBLIC_URL.schema,
  VELOCITY_AUTH: SETTINGS.VELOCITY_AUTH.schema,
  VELOCITY_POOL_SIZE: SETTINGS.VELOCITY_POOL_SIZE.schema,
  VELOCITY_NETWORK_MAX: SETTINGS.VELOCITY_NETWORK_MAX.schema,
  VELOCITY_GIT_HOSTS: SETTINGS.VELOCITY_GIT_HOSTS.schema,
  VELOCITY_EDITOR_ORIGINS: SETTINGS.VELOCITY_EDITOR_ORIGINS.schema,
  VELOCITY_LOG: SETTINGS.VELOCITY_LOG.schema,
});
