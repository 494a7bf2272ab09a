import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { configuredRegistry, generate, manage } from "./generate-starter.ts";

/** A project as somebody has it on disk, and what is to be seen of it. */
export interface Starter {
  readonly name: string;
  /** Makes the project's files in a folder that does not exist yet. */
  readonly make: (directory: string) => Promise<void>;
  /** The folder that is previewed, where it is not the project's root. */
  readonly app?: string;
  /** Text of the first page. */
  readonly shows: string;
  /** One save in an editor: `shows` becomes something else in this file. Relative to `app`. */
  readonly edits: string;
  /** How the save arrives: swapped in place, by a reload of the page, or (no client there) with the next visit. */
  readonly arrives: "hot" | "reload" | "next visit";
  /** What its own tools write beside `node_modules`, relative to the project's root. */
  readonly toolsWrite?: RegExp;
}

type Files = Readonly<Record<string, string>>;

async function write(directory: string, files: Files): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

const made =
  (files: Files) =>
  (directory: string): Promise<void> =>
    write(directory, files);

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const fromCreateVite = (template: string) => (directory: string) =>
  generate("create-vite", [], directory, ["--template", template, "--no-interactive", "--no-immediate"]);

/** The npm that installs writes its lockfile, as it does for everybody. */
const NPM_LOCK = /^package-lock\.json$/;

function vite(name: string, edits: string, arrives: Starter["arrives"] = "hot"): Starter {
  return {
    name: `create-vite ${name}`,
    make: fromCreateVite(name),
    shows: "Get started",
    edits,
    arrives,
    toolsWrite: NPM_LOCK,
  };
}

const VITE_STARTERS: readonly Starter[] = [
  vite("vanilla", "src/main.js", "reload"),
  vite("vanilla-ts", "src/main.ts", "reload"),
  vite("react", "src/App.jsx"),
  vite("react-ts", "src/App.tsx"),
  vite("react-compiler", "src/App.jsx"),
  vite("react-compiler-ts", "src/App.tsx"),
  vite("vue", "src/components/HelloWorld.vue"),
  vite("vue-ts", "src/components/HelloWorld.vue"),
  vite("svelte", "src/App.svelte"),
  vite("svelte-ts", "src/App.svelte"),
  vite("solid", "src/App.jsx"),
  vite("solid-ts", "src/App.tsx"),
  vite("preact", "src/app.jsx"),
  vite("preact-ts", "src/app.tsx"),
  vite("lit", "index.html", "reload"),
  vite("lit-ts", "index.html", "reload"),
  qwik(vite("qwik", "src/app.jsx", "reload")),
  qwik(vite("qwik-ts", "src/app.tsx", "reload")),
];

/**
 * Its starter asks for the patch release that takes Vite 8, which mirrors may not have yet: with the one before it and
 * Vite 7 it installs anywhere, and an older Vite is among what is tried. Its plugin answers a save with a reload.
 */
function qwik(starter: Starter): Starter {
  return {
    ...starter,
    make: async (directory) => {
      await starter.make(directory);
      const manifest = join(directory, "package.json");
      const text = await readFile(manifest, "utf8");
      const qwikRange = /("@builder\.io\/qwik": "\^1)[.\d]+"/;
      await writeFile(manifest, text.replace(qwikRange, '$1"').replace(/("vite": ")\^8[.\d]+"/, '$1^7"'));
    },
  };
}

const ASTRO: Files = {
  "package.json": json({
    name: "an-astro-site",
    type: "module",
    version: "0.0.1",
    scripts: { dev: "astro dev", build: "astro build", preview: "astro preview", astro: "astro" },
    dependencies: { astro: "^7.0.0" },
  }),
  "astro.config.mjs":
    "// @ts-check\nimport { defineConfig } from 'astro/config';\n\nexport default defineConfig({});\n",
  "tsconfig.json": json({
    extends: "astro/tsconfigs/strict",
    include: [".astro/types.d.ts", "**/*"],
    exclude: ["dist"],
  }),
  "src/layouts/Layout.astro": `<!doctype html>
<html lang="en">
	<head><meta charset="UTF-8" /><title>Astro Basics</title></head>
	<body><slot /></body>
</html>
`,
  "src/pages/index.astro": `---
import Layout from '../layouts/Layout.astro';
---
<Layout>
	<h1>To get started, open the src/pages directory</h1>
</Layout>
`,
};

const PAGE = (heading: string): string => `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>A page</title><link rel="stylesheet" href="style.css"></head>
  <body><h1>${heading}</h1></body>
</html>
`;

/** `node --watch` is how a server without any package restarts on a save. */
const SERVER = `const { createServer } = require("node:http");

createServer((request, response) => {
  response.setHeader("content-type", "text/html");
  response.end("<!doctype html><title>Bare</title><h1>Hello from Node</h1>");
}).listen(process.env.PORT || 3000);
`;

const TEAM_APP = {
  "index.html": `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>App</title></head>
  <body><div id="app"></div><script type="module" src="/main.js"></script></body>
</html>
`,
  "main.js": `import { greet } from "./greet.js";

document.querySelector("#app").innerHTML = \`<h1>\${greet()}</h1>\`;
`,
  "greet.js": `export const greet = () => "Hello from the team";\n`,
} as const;
const TEAM = { shows: "Hello from the team", edits: "greet.js", arrives: "reload" } as const;
const viteManifest = (name: string, more: object = {}): string =>
  json({
    name,
    private: true,
    type: "module",
    scripts: { dev: "vite" },
    devDependencies: { vite: "^8.0.0" },
    ...more,
  });

const OTHERS: readonly Starter[] = [
  {
    name: "create-next-app",
    make: (directory) =>
      generate("create-next-app", [], directory, ["--yes", "--skip-install", "--disable-git", "--no-linter"]),
    shows: "To get started",
    edits: "app/page.tsx",
    arrives: "hot",
    toolsWrite: /^(package-lock\.json|\.next\/.*|next-env\.d\.ts|tsconfig\.json)$/,
  },
  {
    name: "astro basics",
    make: made(ASTRO),
    shows: "To get started",
    edits: "src/pages/index.astro",
    arrives: "reload",
    toolsWrite: /^(package-lock\.json|\.astro\/.*)$/,
  },
  {
    name: "sv create (SvelteKit)",
    make: (directory) =>
      generate("sv", ["create"], directory, [
        "--template",
        "minimal",
        "--types",
        "ts",
        "--no-add-ons",
        "--no-install",
      ]),
    shows: "Welcome to SvelteKit",
    edits: "src/routes/+page.svelte",
    arrives: "hot",
    toolsWrite: /^(package-lock\.json|\.svelte-kit\/.*)$/,
  },
  {
    name: "a folder of HTML",
    make: made({ "index.html": PAGE("A plain page"), "style.css": "h1 { color: teal }\n" }),
    shows: "A plain page",
    edits: "index.html",
    arrives: "reload",
  },
  {
    name: "server.js alone",
    make: made({ "server.js": SERVER }),
    shows: "Hello from Node",
    edits: "server.js",
    arrives: "next visit",
  },
  {
    name: "server.js with a start script",
    make: made({
      "server.js": SERVER,
      "package.json": json({ name: "bare", private: true, scripts: { start: "node --watch server.js" } }),
    }),
    shows: "Hello from Node",
    edits: "server.js",
    arrives: "next visit",
  },
  {
    name: "package-lock.json",
    make: async (directory) => {
      await write(directory, { ...TEAM_APP, "package.json": viteManifest("with-npm") });
      await manage(directory, "npm", ["install", "--package-lock-only", "--no-audit", "--no-fund"]);
    },
    ...TEAM,
  },
  {
    name: "pnpm-lock.yaml",
    make: async (directory) => {
      await write(directory, { ...TEAM_APP, "package.json": viteManifest("with-pnpm") });
      await manage(directory, "pnpm", ["install", "--lockfile-only"]);
    },
    ...TEAM,
  },
  {
    name: "yarn.lock of Yarn 1",
    make: async (directory) => {
      await write(directory, { ...TEAM_APP, "package.json": viteManifest("with-yarn") });
      // The lockfile names hosts, and a preview may reach a registry at a private address only if npm is configured to it.
      const registry = await configuredRegistry();
      const yarn = ["exec", "--yes", "--", "yarn@1.22.22", "install", "--silent", "--registry", registry];
      await manage(directory, "npm", yarn);
      await rm(join(directory, "node_modules"), { recursive: true });
    },
    ...TEAM,
  },
  {
    name: "velocity.json with command and port",
    make: made({
      "velocity.json": json({ command: "node --watch tools/serve.js", port: 4567 }),
      "tools/serve.js": SERVER.replace("process.env.PORT || 3000", "4567"),
      // Without the file above, this is what would be shown.
      "index.html": PAGE("Not this one"),
    }),
    shows: "Hello from Node",
    edits: "tools/serve.js",
    arrives: "next visit",
  },
  {
    name: "an app in an npm workspace",
    make: made({
      "package.json": json({ name: "monorepo", private: true, workspaces: ["apps/*", "packages/*"] }),
      ...inFolder("apps/site", {
        ...TEAM_APP,
        "main.js": TEAM_APP["main.js"].replace("./greet.js", "@team/greet"),
        "package.json": viteManifest("site", { dependencies: { "@team/greet": "*" } }),
      }),
      "packages/greet/package.json": json({ name: "@team/greet", version: "1.0.0", exports: "./greet.js" }),
      "packages/greet/greet.js": TEAM_APP["greet.js"],
    }),
    app: "apps/site",
    ...TEAM,
    edits: "../../packages/greet/greet.js",
    toolsWrite: NPM_LOCK,
  },
  {
    name: "an app in a pnpm workspace",
    make: async (directory) => {
      await write(directory, {
        "package.json": json({ name: "monorepo", private: true }),
        "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - packages/*\n",
        ...inFolder("apps/site", {
          ...TEAM_APP,
          "main.js": TEAM_APP["main.js"].replace("./greet.js", "@team/greet"),
          "package.json": viteManifest("site", { dependencies: { "@team/greet": "workspace:*" } }),
        }),
        "packages/greet/package.json": json({ name: "@team/greet", version: "1.0.0", exports: "./greet.js" }),
        "packages/greet/greet.js": TEAM_APP["greet.js"],
      });
      await manage(directory, "pnpm", ["install", "--lockfile-only"]);
    },
    app: "apps/site",
    ...TEAM,
    edits: "../../packages/greet/greet.js",
  },
];

function inFolder(folder: string, files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [`${folder}/${path}`, content]));
}

/** Everything that `create-vite` ships, and what else people bring. */
export const STARTERS: readonly Starter[] = [...VITE_STARTERS, ...OTHERS];
