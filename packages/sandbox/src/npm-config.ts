import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import type { EgressSettings, HostPort } from "./egress-policy.ts";

/** What the operator's own npm is configured to: `.npmrc` files and environment, as npm itself understands them. */
export interface OperatorNpmConfig {
  /** Null where there is no npm to ask. */
  readonly registry: string | null;
  /** Scope (`@acme`) → registry. */
  readonly scopedRegistries: Readonly<Record<string, string>>;
  readonly proxy: string | null;
  readonly noProxy: readonly string[];
  /** File with certificates to be trusted besides the system's. */
  readonly cafile: string | null;
  readonly strictSsl: boolean;
  /** The user's own `.npmrc`, which also holds credentials. */
  readonly userConfig: string | null;
  readonly globalConfig: string | null;
}

const NOTHING: OperatorNpmConfig = {
  registry: null,
  scopedRegistries: {},
  proxy: null,
  noProxy: [],
  cafile: null,
  strictSsl: true,
  userConfig: null,
  globalConfig: null,
};

const configSchema = z.record(z.string(), z.unknown());
const run = promisify(execFile);

/** Asks npm; takes some 0.3 s: ask once. `cwd` is the folder whose project settings count; choose a neutral one. */
export async function operatorNpmConfig(options: {
  readonly npm: string;
  readonly cwd: string;
  readonly signal: AbortSignal;
}): Promise<OperatorNpmConfig> {
  const { stdout } = await run(options.npm, ["config", "ls", "--json"], {
    cwd: options.cwd,
    signal: options.signal,
    maxBuffer: 4 * 1024 ** 2,
  }).catch(() => {
    options.signal.throwIfAborted();
    return { stdout: "" };
  });
  return parseNpmConfig(stdout);
}

/** Reads the answer of `npm config ls --json`; what is not there or not understood counts as not configured. */
export function parseNpmConfig(json: string): OperatorNpmConfig {
  let parsed: Record<string, unknown>;
  try {
    parsed = configSchema.parse(JSON.parse(json));
  } catch {
    return NOTHING;
  }
  const text = (name: string): string | null => {
    const value = parsed[name];
    return typeof value === "string" && value !== "" && value !== "null" ? value : null;
  };
  const scoped = Object.keys(parsed).filter((name) => /^@[^:]+:registry$/.test(name));
  const noProxy = parsed.noproxy;
  return {
    registry: text("registry"),
    scopedRegistries: Object.fromEntries(
      scoped.flatMap((name) => {
        const value = text(name);
        return value === null ? [] : [[name.slice(0, name.indexOf(":")), value]];
      }),
    ),
    proxy: text("https-proxy") ?? text("proxy"),
    noProxy: (Array.isArray(noProxy) ? noProxy : [noProxy])
      .flatMap((entry) => (typeof entry === "string" ? entry.split(",") : []))
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
    cafile: text("cafile"),
    strictSsl: parsed["strict-ssl"] !== false,
    userConfig: text("userconfig"),
    globalConfig: text("globalconfig"),
  };
}

/** The registries by host and port: all that the egress policy `registry` allows. */
export function registryHosts(config: OperatorNpmConfig): readonly HostPort[] {
  const urls = [config.registry, ...Object.values(config.scopedRegistries)];
  const hosts = new Map<string, HostPort>();
  for (const text of urls) {
    const url = text === null ? null : URL.parse(text);
    if (url === null || !["http:", "https:"].includes(url.protocol)) continue;
    const host = url.hostname.replace(/^\[|\]$/g, "").toLowerCase();
    const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
    hosts.set(`${host} ${port}`, { host, port });
  }
  return [...hosts.values()];
}

export function egressSettings(config: OperatorNpmConfig): EgressSettings {
  return {
    allowedHosts: registryHosts(config),
    upstream: config.proxy === null ? null : { url: config.proxy, except: config.noProxy },
  };
}
