/** A dev server that Velocity knows how to place: its port and host by flags, its manners by environment. */
export interface Tool {
  /** Name of its binary in `node_modules/.bin`. */
  readonly bin: string;
  readonly framework: string;
  /** The package that, in a manifest, shows that the tool is there. */
  readonly packageName: string;
  /** First words that start the dev server; "" is the bare command. The first entry is what a missing script runs. */
  readonly subcommands: readonly string[];
  readonly defaultPort: number;
  /** Flags that put it where the gateway looks. */
  readonly place: (port: number) => readonly string[];
  /** What a script's own flags would say about the same things, or what opens a browser. */
  readonly drop: { readonly withValue: readonly string[]; readonly bare: readonly string[] };
  readonly env?: Readonly<Record<string, string>>;
  readonly readyTimeoutMs?: number;
  /** Resolves modules itself and cannot follow pnpm's links: dependencies have to lie flat. */
  readonly flatDependencies?: boolean;
}

/** Loopback by number: `localhost` may mean ::1, and the agent's bridge dials IPv4. */
const LOOPBACK = "127.0.0.1";
const SLOW_START_MS = 120_000;

const longFlags = (port: number) => ["--port", String(port), "--host", LOOPBACK];
const dropLong = { withValue: ["--port", "-p", "--host", "--open"], bare: ["--strictPort", "--no-open"] };
const viteFlags = (port: number) => ["--port", String(port), "--strictPort", "--host", LOOPBACK];

/**
 * Known tools, the most telling first: a Nuxt project may well list vite too.
 * HMR needs no flag with any of them: their clients dial the page's own host and port (Vite: `hmrPort` is null unless
 * configured, and then `importMeta.url`'s host and port count; read in vite 8's client).
 */
export const TOOLS: readonly Tool[] = [
  {
    bin: "expo",
    framework: "expo",
    packageName: "expo",
    subcommands: ["start"],
    defaultPort: 8081,
    place: (port) => ["--web", "--port", String(port), "--host", "localhost"],
    drop: {
      withValue: ["--port", "-p", "--host", "-m"],
      bare: ["--web", "-w", "--tunnel", "--lan", "--localhost", "--android", "-a", "--ios", "-i"],
    },
    // Not CI=1: it turns reloads off. Offline: no version check against Expo's servers.
    env: { EXPO_OFFLINE: "1", EXPO_NO_TELEMETRY: "1" },
    readyTimeoutMs: SLOW_START_MS,
    flatDependencies: true,
  },
  {
    bin: "next",
    framework: "next",
    packageName: "next",
    subcommands: ["dev", ""],
    defaultPort: 3000,
    place: (port) => ["-p", String(port), "-H", LOOPBACK],
    drop: { withValue: ["-p", "--port", "-H", "--hostname"], bare: [] },
    readyTimeoutMs: SLOW_START_MS,
  },
  {
    bin: "nuxt",
    framework: "nuxt",
    packageName: "nuxt",
    subcommands: ["dev"],
    defaultPort: 3000,
    place: longFlags,
    drop: { withValue: ["--port", "-p", "--host", "-h", "--open", "-o"], bare: [] },
    readyTimeoutMs: SLOW_START_MS,
  },
  {
    bin: "astro",
    framework: "astro",
    packageName: "astro",
    subcommands: ["dev"],
    defaultPort: 4321,
    place: longFlags,
    drop: dropLong,
  },
  {
    bin: "react-router",
    framework: "react-router",
    packageName: "@react-router/dev",
    subcommands: ["dev"],
    defaultPort: 5173,
    place: viteFlags,
    drop: dropLong,
  },
  {
    bin: "remix",
    framework: "remix",
    packageName: "@remix-run/dev",
    subcommands: ["vite:dev"],
    defaultPort: 5173,
    place: viteFlags,
    drop: dropLong,
  },
  {
    bin: "ng",
    framework: "angular",
    packageName: "@angular/cli",
    subcommands: ["serve", "dev"],
    defaultPort: 4200,
    place: longFlags,
    drop: dropLong,
    env: { NG_CLI_ANALYTICS: "false" },
    readyTimeoutMs: SLOW_START_MS,
  },
  {
    bin: "gatsby",
    framework: "gatsby",
    packageName: "gatsby",
    subcommands: ["develop"],
    defaultPort: 8000,
    place: longFlags,
    drop: { withValue: ["--port", "-p", "--host", "-H"], bare: ["--open", "-o"] },
    readyTimeoutMs: SLOW_START_MS,
  },
  {
    bin: "vinxi",
    framework: "vinxi",
    packageName: "vinxi",
    subcommands: ["dev"],
    defaultPort: 3000,
    place: longFlags,
    drop: dropLong,
  },
  {
    bin: "vitepress",
    framework: "vitepress",
    packageName: "vitepress",
    subcommands: ["dev", ""],
    defaultPort: 5173,
    place: viteFlags,
    drop: dropLong,
  },
  {
    bin: "docusaurus",
    framework: "docusaurus",
    packageName: "@docusaurus/core",
    subcommands: ["start"],
    defaultPort: 3000,
    place: (port) => [...longFlags(port), "--no-open"],
    drop: { withValue: ["--port", "-p", "--host", "-h"], bare: ["--no-open", "--open"] },
    readyTimeoutMs: SLOW_START_MS,
  },
  {
    bin: "vue-cli-service",
    framework: "vue-cli",
    packageName: "@vue/cli-service",
    subcommands: ["serve"],
    defaultPort: 8080,
    place: longFlags,
    drop: { withValue: ["--port", "--host"], bare: ["--open"] },
  },
  {
    bin: "react-scripts",
    framework: "create-react-app",
    packageName: "react-scripts",
    subcommands: ["start"],
    defaultPort: 3000,
    // Takes port and host from the environment only.
    place: () => [],
    drop: { withValue: [], bare: [] },
    env: { DANGEROUSLY_DISABLE_HOST_CHECK: "true", WDS_SOCKET_PORT: "0", HOST: LOOPBACK },
    readyTimeoutMs: SLOW_START_MS,
  },
  {
    bin: "rsbuild",
    framework: "rsbuild",
    packageName: "@rsbuild/core",
    subcommands: ["dev", ""],
    defaultPort: 3000,
    place: longFlags,
    drop: { withValue: ["--port", "--host", "--open", "-o"], bare: [] },
  },
  {
    bin: "vite",
    framework: "sveltekit",
    packageName: "@sveltejs/kit",
    subcommands: ["dev", "", "serve"],
    defaultPort: 5173,
    place: viteFlags,
    drop: dropLong,
  },
  {
    bin: "vite",
    framework: "vite",
    packageName: "vite",
    subcommands: ["", "dev", "serve"],
    defaultPort: 5173,
    place: viteFlags,
    drop: dropLong,
  },
  {
    bin: "webpack",
    framework: "webpack",
    packageName: "webpack-dev-server",
    subcommands: ["serve"],
    defaultPort: 8080,
    place: longFlags,
    drop: { withValue: ["--port", "--host", "--open", "-o"], bare: ["--no-open"] },
  },
  {
    bin: "parcel",
    framework: "parcel",
    packageName: "parcel",
    subcommands: ["", "serve"],
    defaultPort: 1234,
    place: longFlags,
    drop: { withValue: ["--port", "-p", "--host", "--open"], bare: [] },
  },
];

/** Tools start in somebody else's terminal: no telemetry, no questions, no browser. */
export const QUIET_ENV: Readonly<Record<string, string>> = {
  ASTRO_TELEMETRY_DISABLED: "1",
  BROWSER: "none",
  CHECKPOINT_DISABLE: "1",
  DO_NOT_TRACK: "1",
  GATSBY_TELEMETRY_DISABLED: "1",
  NEXT_TELEMETRY_DISABLED: "1",
  NUXT_TELEMETRY_DISABLED: "1",
  STORYBOOK_DISABLE_TELEMETRY: "1",
};

/** The tool that a manifest's dependencies speak of; null: none known. */
export function toolOfDependencies(names: ReadonlySet<string>): Tool | null {
  return TOOLS.find((tool) => names.has(tool.packageName)) ?? null;
}

/** Whether these words start the tool's dev server (and not its build). */
export function startsDevServer(tool: Tool, args: readonly string[]): boolean {
  const first = args[0];
  if (first === undefined || first.startsWith("-")) return tool.subcommands.includes("");
  if (tool.subcommands.includes(first)) return true;
  // `vite site`: a root folder instead of a subcommand.
  return tool.subcommands.includes("") && !OTHER_SUBCOMMANDS.has(first);
}
const OTHER_SUBCOMMANDS = new Set([
  "build",
  "preview",
  "optimize",
  "start",
  "export",
  "lint",
  "telemetry",
  "info",
  "watch",
  "inspect",
  "init",
]);
