import { describe, expect, test } from "vitest";
import { chooseRun } from "./choose-run.ts";
import { parsePackageJson } from "./package-json.ts";

const settings = { staticServerEntry: "/opt/static-server.mjs", previewDomain: "velocity.localhost" };

interface Case {
  readonly name: string;
  readonly scripts?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly main?: string;
  readonly files?: readonly string[];
  readonly framework: string;
  readonly command: readonly string[];
  readonly port: number;
  readonly env?: Record<string, string>;
  readonly listen?: "preload" | "bridge";
}

const viteArgs = ["--port", "5173", "--strictPort", "--host", "127.0.0.1"];
const watched = ["node", "--watch", "--watch-preserve-output"];
const vite = ["node", "node_modules/.bin/vite", ...viteArgs];

const CASES: readonly Case[] = [
  {
    name: "vite",
    scripts: { dev: "vite" },
    dependencies: { vite: "8" },
    framework: "vite",
    command: vite,
    port: 5173,
  },
  {
    name: "vite with flags of its own: place and browser are ours, the rest stays",
    scripts: { dev: "vite --host 0.0.0.0 --port=3000 --open --mode staging" },
    dependencies: { vite: "8" },
    framework: "vite",
    command: ["node", "node_modules/.bin/vite", "--mode", "staging", ...viteArgs],
    port: 5173,
  },
  {
    name: "environment before the command",
    scripts: { dev: "cross-env VITE_MODE=demo vite dev" },
    dependencies: { vite: "8" },
    framework: "vite",
    command: ["node", "node_modules/.bin/vite", "dev", ...viteArgs],
    port: 5173,
    env: { VITE_MODE: "demo" },
  },
  {
    name: "a script that calls another script",
    scripts: { start: "npm run dev:app -- --mode x", "dev:app": "vite" },
    dependencies: { vite: "8" },
    framework: "vite",
    command: ["node", "node_modules/.bin/vite", "--mode", "x", ...viteArgs],
    port: 5173,
  },
  {
    name: "scripts in a circle",
    scripts: { dev: "npm run start", start: "npm run dev" },
    framework: "node",
    command: ["/bin/sh", "-c", "npm run dev"],
    port: 3000,
  },
  {
    name: "several commands need a shell",
    scripts: { dev: "npm run build && vite" },
    dependencies: { vite: "8" },
    framework: "vite",
    command: ["/bin/sh", "-c", "npm run build && vite"],
    port: 5173,
  },
  {
    name: "only production scripts: the tool's own dev server",
    scripts: { start: "next start", build: "next build" },
    dependencies: { next: "16" },
    framework: "next",
    command: ["node", "node_modules/.bin/next", "dev", "-p", "3000", "-H", "127.0.0.1"],
    port: 3000,
  },
  {
    name: "no scripts at all, but a known tool",
    dependencies: { vite: "8" },
    framework: "vite",
    command: vite,
    port: 5173,
  },
  {
    name: "next with turbopack",
    scripts: { dev: "next dev --turbopack -p 4000" },
    dependencies: { next: "16" },
    framework: "next",
    command: ["node", "node_modules/.bin/next", "dev", "--turbopack", "-p", "3000", "-H", "127.0.0.1"],
    port: 3000,
  },
  {
    name: "astro",
    scripts: { dev: "astro dev" },
    dependencies: { astro: "7" },
    framework: "astro",
    command: ["node", "node_modules/.bin/astro", "dev", "--port", "4321", "--host", "127.0.0.1"],
    port: 4321,
  },
  {
    name: "sveltekit",
    scripts: { dev: "vite dev" },
    dependencies: { "@sveltejs/kit": "2", vite: "8" },
    framework: "sveltekit",
    command: ["node", "node_modules/.bin/vite", "dev", ...viteArgs],
    port: 5173,
  },
  {
    name: "nuxt",
    scripts: { dev: "nuxt dev --open" },
    dependencies: { nuxt: "4", vue: "3" },
    framework: "nuxt",
    command: ["node", "node_modules/.bin/nuxt", "dev", "--port", "3000", "--host", "127.0.0.1"],
    port: 3000,
  },
  {
    name: "expo by Metro, without a terminal and without CI mode",
    scripts: { start: "expo start", android: "expo start --android", web: "expo start --web" },
    dependencies: { expo: "57", "react-native": "0.86" },
    framework: "expo",
    command: ["node", "node_modules/.bin/expo", "start", "--web", "--port", "8081", "--host", "localhost"],
    port: 8081,
    env: { EXPO_OFFLINE: "1", EXPO_NO_TELEMETRY: "1" },
  },
  {
    name: "react router",
    scripts: { dev: "react-router dev" },
    dependencies: { "@react-router/dev": "8", vite: "8" },
    framework: "react-router",
    command: ["node", "node_modules/.bin/react-router", "dev", ...viteArgs],
    port: 5173,
  },
  {
    name: "remix on vite",
    scripts: { dev: "remix vite:dev" },
    dependencies: { "@remix-run/dev": "2", vite: "6" },
    framework: "remix",
    command: ["node", "node_modules/.bin/remix", "vite:dev", ...viteArgs],
    port: 5173,
  },
  {
    name: "a bare Node server by script",
    scripts: { start: "node server.js" },
    files: ["server.js"],
    framework: "node",
    command: [...watched, "server.js"],
    port: 3000,
    env: { PORT: "3000", HOST: "127.0.0.1" },
  },
  {
    name: "a bare Node server by its file",
    files: ["server.js"],
    framework: "node",
    command: [...watched, "server.js"],
    port: 3000,
  },
  {
    name: "a bare Node server by main",
    main: "./lib/app.js",
    files: ["lib/app.js"],
    framework: "node",
    command: [...watched, "lib/app.js"],
    port: 3000,
  },
  {
    name: "a bare Node server by index.js",
    files: ["index.js"],
    framework: "node",
    command: [...watched, "index.js"],
    port: 3000,
  },
  {
    name: "main: index.js beside a page is no server",
    main: "index.js",
    scripts: { test: "echo no" },
    files: ["index.js", "index.html"],
    framework: "static",
    command: ["node", "/opt/static-server.mjs", "--port", "8080", "--root", "."],
    port: 8080,
  },
  {
    name: "pages in public",
    files: ["README.md", "public/index.html", "public/a/index.html"],
    framework: "static",
    command: ["node", "/opt/static-server.mjs", "--port", "8080", "--root", "public"],
    port: 8080,
  },
  {
    name: "bun is not Node",
    scripts: { dev: "bun --hot src/index.ts" },
    framework: "custom",
    command: ["/bin/sh", "-c", "bun --hot src/index.ts"],
    port: 3000,
    listen: "bridge",
  },
  {
    name: "python names its port",
    scripts: { dev: "python3 -m flask run --port 5000" },
    framework: "custom",
    command: ["/bin/sh", "-c", "python3 -m flask run --port 5000"],
    port: 5000,
    listen: "bridge",
  },
];

describe("chooseRun", () => {
  for (const each of CASES) {
    test(each.name, () => {
      const manifest = parsePackageJson(
        "package.json",
        JSON.stringify({ scripts: each.scripts, dependencies: each.dependencies, main: each.main }),
      );
      const files = new Set(["package.json", ...(each.files ?? [])]);
      const { framework, run } = chooseRun({ manifest, files, overrides: {}, linked: false }, settings);
      expect({ framework, command: run.command, port: run.port, listen: run.listen }).toEqual({
        framework: each.framework,
        command: each.command,
        port: each.port,
        listen: each.listen ?? "preload",
      });
      expect(run.env).toMatchObject({ NEXT_TELEMETRY_DISABLED: "1", ...each.env });
      expect(run.env).not.toHaveProperty("CI");
    });
  }

  test("without a package.json: pages are served, a server is run", () => {
    const bare = (...files: string[]) =>
      chooseRun({ manifest: null, files: new Set(files), overrides: {}, linked: false }, settings);
    expect(bare("index.html", "app.js").framework).toBe("static");
    expect(bare("server.js").run.command).toEqual([...watched, "server.js"]);
    expect(bare().framework).toBe("static");
  });

  test("a linked directory's tool is found by name, since its .bin may hold shell shims", () => {
    const manifest = parsePackageJson(
      "package.json",
      `{"scripts":{"dev":"vite"},"dependencies":{"vite":"8"}}`,
    );
    const { run } = chooseRun({ manifest, files: new Set(), overrides: {}, linked: true }, settings);
    expect(run.command).toEqual(["vite", ...viteArgs]);
  });

  test("velocity.json wins over scripts, and still gets the tool's flags where it names one", () => {
    const manifest = parsePackageJson(
      "package.json",
      `{"scripts":{"dev":"vite"},"dependencies":{"vite":"8"}}`,
    );
    const choose = (overrides: object) =>
      chooseRun({ manifest, files: new Set(), overrides, linked: false }, settings).run;
    expect(choose({ command: "npm run dev", port: 4000 }).command).toEqual([
      "node",
      "node_modules/.bin/vite",
      "--port",
      "4000",
      "--strictPort",
      "--host",
      "127.0.0.1",
    ]);
    const own = choose({
      command: "make serve",
      port: 9000,
      env: { PORT: "1", A: "b" },
      ready: { path: "/health", timeoutMs: 5000 },
    });
    expect(own.command).toEqual(["/bin/sh", "-c", "make serve"]);
    expect(own.port).toBe(9000);
    expect(own.env).toMatchObject({ PORT: "1", A: "b" });
    expect(own.ready).toEqual({ path: "/health", timeoutMs: 5000 });
  });

  test("a preview domain outside of .localhost is named to Vite", () => {
    const envOf = (previewDomain: string) =>
      chooseRun(
        { manifest: null, files: new Set(), overrides: {}, linked: false },
        { ...settings, previewDomain },
      ).run.env;
    expect(envOf("preview.example.com")).toMatchObject({
      __VITE_ADDITIONAL_SERVER_ALLOWED_HOSTS: ".preview.example.com",
    });
    expect(envOf("velocity.localhost")).not.toHaveProperty("__VITE_ADDITIONAL_SERVER_ALLOWED_HOSTS");
  });
});
