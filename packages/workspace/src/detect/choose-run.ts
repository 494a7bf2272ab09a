import type { RunSpec, VelocityJson } from "@velocity/contract";
import { allDependencies, type PackageJson } from "./package-json.ts";
import { delegatedScript, parseSimpleCommand, type SimpleCommand, withoutFlags } from "./script-command.ts";
import { QUIET_ENV, startsDevServer, TOOLS, type Tool, toolOfDependencies } from "./tools.ts";

export interface ProjectFacts {
  readonly manifest: PackageJson | null;
  readonly files: ReadonlySet<string>;
  readonly overrides: VelocityJson;
  readonly linked: boolean;
}

export interface RunSettings {
  /** Program, as seen in a container, that serves a folder of plain files. */
  readonly staticServerEntry: string;
  /** Domain below which previews live. */
  readonly previewDomain: string;
}

export interface ChosenRun {
  readonly framework: string;
  readonly run: Omit<RunSpec, "install">;
  /** Dependencies have to lie flat in `node_modules`. */
  readonly flatDependencies: boolean;
}

interface Choice {
  readonly framework: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  readonly listen: RunSpec["listen"];
  readonly tool: Tool | null;
}

const GENERIC_PORT = 3000;
const STATIC_PORT = 8080;
const READY_TIMEOUT_MS = 60_000;
/** In the order in which people use them for "the one that I develop with". */
const DEV_SCRIPTS = ["dev", "develop", "start:dev", "dev:web", "web", "serve", "start"];
const SERVER_FILES = ["server.js", "server.mjs", "server.cjs", "server.ts"];
const INDEX_FILES = [
  "index.js",
  "index.mjs",
  "index.cjs",
  "index.ts",
  "app.js",
  "src/server.js",
  "src/index.js",
];
/** Programs that are not Node: the listen preload cannot reach them. */
const FOREIGN =
  /(^|[\s;&|(/])(bun|deno|python3?|flask|uvicorn|ruby|rails|php|go|cargo|java|hugo|jekyll|caddy)(\s|$)/;

/** Decides how a project is run. Pure. */
export function chooseRun(facts: ProjectFacts, settings: RunSettings): ChosenRun {
  const tool =
    facts.manifest === null
      ? null
      : toolOfDependencies(new Set(Object.keys(allDependencies(facts.manifest))));
  const choice = overridden(facts, tool) ?? scripted(facts, tool) ?? unscripted(facts, tool, settings);
  const { overrides } = facts;
  const readyTimeoutMs = overrides.ready?.timeoutMs ?? choice.tool?.readyTimeoutMs ?? READY_TIMEOUT_MS;
  return {
    framework: choice.framework,
    flatDependencies: tool?.flatDependencies === true,
    run: {
      command: [...choice.command],
      cwd: ".",
      env: { ...QUIET_ENV, ...hostEnv(settings.previewDomain), ...choice.env, ...overrides.env },
      port: choice.port,
      ready: { path: overrides.ready?.path ?? "/", timeoutMs: readyTimeoutMs },
      listen: choice.listen,
    },
  };
}

/** Vite lets hosts below `.localhost` in by itself; every other domain has to be named. */
function hostEnv(previewDomain: string): Record<string, string> {
  const domain = previewDomain.toLowerCase();
  if (domain === "localhost" || domain.endsWith(".localhost")) return {};
  return { __VITE_ADDITIONAL_SERVER_ALLOWED_HOSTS: `.${domain}` };
}

function overridden(facts: ProjectFacts, tool: Tool | null): Choice | null {
  const { command } = facts.overrides;
  if (command === undefined) return null;
  const resolved = followScript(command, facts.manifest?.scripts ?? {});
  const simple = parseSimpleCommand(resolved);
  const known = simple === null ? null : knownTool(simple, tool);
  if (simple !== null && known !== null) return toolChoice(facts, known, simple);
  return shellChoice(facts, resolved, tool);
}

function scripted(facts: ProjectFacts, tool: Tool | null): Choice | null {
  const scripts = facts.manifest?.scripts ?? {};
  for (const name of DEV_SCRIPTS) {
    const script = scripts[name];
    if (script === undefined || script.trim() === "") continue;
    const resolved = followScript(script, scripts);
    const simple = parseSimpleCommand(resolved);
    const known = simple === null ? null : knownTool(simple, tool);
    if (simple !== null && known !== null) return toolChoice(facts, known, simple);
    // `start: next start` and `serve: vite preview` serve a build that is not there.
    if (simple !== null && servesBuild(simple, tool)) continue;
    return simple?.program === "node"
      ? nodeChoice(facts, simple.args, simple.env)
      : shellChoice(facts, resolved, tool);
  }
  return null;
}

function unscripted(facts: ProjectFacts, tool: Tool | null, settings: RunSettings): Choice {
  if (tool !== null) {
    const subcommand = tool.subcommands[0] ?? "";
    const args = subcommand === "" ? [] : [subcommand];
    return toolChoice(facts, tool, { env: {}, program: tool.bin, args });
  }
  const hasPage = [...facts.files].some((path) => path.endsWith(".html") || path.endsWith(".htm"));
  const server = SERVER_FILES.find((path) => facts.files.has(path));
  if (server !== undefined) return nodeChoice(facts, [server], {});
  const main = facts.manifest?.main?.replace(/^\.\//, "");
  // `npm init` writes `main: index.js` into every folder: with a page at hand that is no server.
  if (!hasPage) {
    const candidates = [...(main === undefined ? [] : [main]), ...INDEX_FILES];
    const entry = candidates.find((path) => facts.files.has(path));
    if (entry !== undefined && (facts.manifest !== null || !entry.startsWith("src/")))
      return nodeChoice(facts, [entry], {});
  }
  const port = facts.overrides.port ?? STATIC_PORT;
  return {
    framework: "static",
    command: ["node", settings.staticServerEntry, "--port", String(port), "--root", staticRoot(facts.files)],
    env: {},
    port,
    listen: "preload",
    tool: null,
  };
}

/** The topmost folder with an index page: sites often keep theirs in `public` or `docs`. */
function staticRoot(files: ReadonlySet<string>): string {
  const depth = (path: string) => path.split("/").length;
  const pages = [...files].filter((path) => path === "index.html" || path.endsWith("/index.html"));
  const top = pages.sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1))[0];
  return top === undefined || top === "index.html" ? "." : top.slice(0, -"/index.html".length);
}

function toolChoice(facts: ProjectFacts, tool: Tool, simple: SimpleCommand): Choice {
  const port = facts.overrides.port ?? tool.defaultPort;
  const args = [...withoutFlags(simple.args, tool.drop), ...tool.place(port)];
  return {
    framework: tool.framework,
    command: facts.linked
      ? // By name: the agent's PATH has the `.bin` folders, and what lies there may be a link or a shell shim.
        [tool.bin, ...args]
      : // Layers are installed with links instead of shell shims, so that Node itself can start what is there.
        ["node", `node_modules/.bin/${tool.bin}`, ...args],
    env: { PORT: String(port), ...tool.env, ...simple.env },
    port,
    listen: "preload",
    tool,
  };
}

function nodeChoice(
  facts: ProjectFacts,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Choice {
  const port = facts.overrides.port ?? portIn(env.PORT) ?? GENERIC_PORT;
  return {
    framework: "node",
    command: ["node", ...(runsFile(args) ? WATCH : []), ...args],
    env: { ...env, PORT: String(port), HOST: "127.0.0.1" },
    port,
    listen: "preload",
    tool: null,
  };
}

/** A save shows in a live preview: Node itself starts a server again when a file that it loaded changes. */
const WATCH = ["--watch", "--watch-preserve-output"];
const NOT_A_FILE = /^(-e|--eval|-p|--print|-c|--check|-i|--interactive|-|--test|--run|--watch)([=-].*)?$/;

function runsFile(args: readonly string[]): boolean {
  const script = args.findIndex((arg) => /\.[cm]?[jt]s$/.test(arg));
  return script >= 0 && !args.slice(0, script).some((arg) => NOT_A_FILE.test(arg));
}

function shellChoice(facts: ProjectFacts, script: string, tool: Tool | null): Choice {
  const port = facts.overrides.port ?? portOfScript(script) ?? tool?.defaultPort ?? GENERIC_PORT;
  return {
    framework: tool?.framework ?? (FOREIGN.test(script) ? "custom" : "node"),
    command: ["/bin/sh", "-c", script],
    env: { PORT: String(port), HOST: "127.0.0.1", ...tool?.env },
    port,
    listen: FOREIGN.test(script) ? "bridge" : "preload",
    tool,
  };
}

/** `dev: npm run dev:web` is what `dev:web` says; at most a few steps, since scripts can call in circles. */
function followScript(script: string, scripts: Readonly<Record<string, string>>): string {
  let current = script;
  for (let step = 0; step < 5; step++) {
    const simple = parseSimpleCommand(current);
    const delegated = simple === null || Object.keys(simple.env).length > 0 ? null : delegatedScript(simple);
    const next = delegated === null ? undefined : scripts[delegated.name];
    if (delegated === null || next === undefined) return current;
    current = [next, ...delegated.extra].join(" ");
  }
  return current;
}

function knownTool(simple: SimpleCommand, hinted: Tool | null): Tool | null {
  const tool =
    hinted?.bin === simple.program ? hinted : TOOLS.findLast((each) => each.bin === simple.program);
  return tool !== undefined && startsDevServer(tool, simple.args) ? tool : null;
}

function servesBuild(simple: SimpleCommand, tool: Tool | null): boolean {
  if (tool !== null && simple.program === tool.bin) return true;
  const folder = simple.args.find((arg) => !arg.startsWith("-")) ?? "";
  return /^(serve|http-server|sirv)$/.test(simple.program) && /^(\.\/)?(dist|build|out)\b/.test(folder);
}

function portOfScript(script: string): number | null {
  const found = /(?:--port[ =]|-p |PORT=)(\d{2,5})\b/.exec(script);
  return portIn(found?.[1]);
}

function portIn(text: string | undefined): number | null {
  const port = Number(text);
  return text !== undefined && Number.isInteger(port) && port > 0 && port < 65536 ? port : null;
}
