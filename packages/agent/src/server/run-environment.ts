import { delimiter, dirname, join } from "node:path";

export interface EnvironmentInput {
  /** What the agent itself was given. */
  readonly base: Readonly<Record<string, string | undefined>>;
  /** What the project asks for; wins over everything but the sockets. */
  readonly own: Readonly<Record<string, string>>;
  /** Folder that the program runs in. */
  readonly cwd: string;
  /** Folder of the Node executable that runs the agent. */
  readonly nodeDir: string;
  /** Address of the egress forwarder; null: no proxy. */
  readonly proxyUrl: string | null;
  /**
   * How Node programs learn of the proxy. `NODE_USE_ENV_PROXY` loads the whole HTTP client at each start, which costs some
   * 40 ms: right for commands, and left to the preload where a start is waited for.
   */
  readonly proxyBy: "node" | "preload";
  /** Null for programs whose servers are nobody's business (the installer). */
  readonly preload: {
    readonly path: string;
    readonly socketDir: string;
    readonly port: number;
  } | null;
}

/** The environment of the dev server, the installer and executed commands. Pure. */
export function runEnvironment(input: EnvironmentInput): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(input.base)) {
    if (value !== undefined && !name.startsWith("VELOCITY_")) env[name] = value;
  }
  env.BROWSER = "none";
  // The machine's own certificates, besides those that come with Node: a company's proxy is known there.
  env.NODE_USE_SYSTEM_CA = "1";
  Object.assign(env, input.own);
  if (env.FORCE_COLOR === undefined && env.NO_COLOR === undefined) env.NO_COLOR = "1";
  env.PATH = searchPath(input.cwd, input.nodeDir, input.own.PATH ?? input.base.PATH ?? "/usr/bin:/bin");
  if (input.proxyUrl !== null) {
    Object.assign(env, proxyEnvironment(input.proxyUrl, env.NO_PROXY));
    env[input.proxyBy === "node" ? "NODE_USE_ENV_PROXY" : "VELOCITY_LAZY_PROXY"] = "1";
  }
  if (input.preload !== null) {
    env.VELOCITY_SOCKET_DIR = input.preload.socketDir;
    env.VELOCITY_APP_PORT = String(input.preload.port);
    env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ""} --require=${quoted(input.preload.path)}`.trimStart();
  }
  return env;
}

/** Programs of the project first, as its own package scripts would find them, then our Node. */
function searchPath(cwd: string, nodeDir: string, rest: string): string {
  const folders: string[] = [];
  for (let at = cwd; ; at = dirname(at)) {
    folders.push(join(at, "node_modules", ".bin"));
    if (dirname(at) === at) break;
  }
  return [...folders, nodeDir, rest].join(delimiter);
}

export function proxyEnvironment(url: string, noProxy?: string): Record<string, string> {
  const direct = noProxy ? `${noProxy},localhost,127.0.0.1,::1` : "localhost,127.0.0.1,::1";
  return {
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    http_proxy: url,
    https_proxy: url,
    NO_PROXY: direct,
    no_proxy: direct,
  };
}

/** `NODE_OPTIONS` splits at spaces outside double quotes. */
function quoted(path: string): string {
  return /[\s"\\]/.test(path) ? `"${path.replaceAll(/["\\]/g, "\\$&")}"` : path;
}
