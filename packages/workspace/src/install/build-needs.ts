import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/**
 * Packages whose install script is not needed for a preview: they bring a prebuilt binary as an optional package, only
 * print or link something, or fetch a browser or a command-line tool.
 */
const WORKS_WITHOUT = new Set([
  "@biomejs/biome",
  "@nestjs/core",
  "@parcel/watcher",
  "@scarf/scarf",
  "@sentry/cli",
  "@swc/core",
  "@tailwindcss/oxide",
  "bun",
  "core-js",
  "core-js-pure",
  "cypress",
  "electron",
  "es5-ext",
  "esbuild",
  "fsevents",
  "husky",
  "lefthook",
  "less",
  "lightningcss",
  "msw",
  "nx",
  "playwright",
  "playwright-chromium",
  "protobufjs",
  "puppeteer",
  "rolldown",
  "sharp",
  "simple-git-hooks",
  "styled-components",
  "svelte-preprocess",
  "unrs-resolver",
  "vue-demi",
  "workerd",
]);

const manifestSchema = z.looseObject({
  name: z.string().optional(),
  scripts: z.record(z.string(), z.unknown()).optional(),
});
const INSTALL_SCRIPTS = ["preinstall", "install", "postinstall"];

/**
 * Names of installed packages that do not work before their install script has run. Looks at the packages themselves:
 * with scripts off, not every manager writes down what it left out. Links are not followed.
 */
export async function packagesInNeedOfBuild(folder: string): Promise<readonly string[]> {
  const needed = new Set<string>();
  await visit(join(folder, "node_modules"), needed);
  return [...needed].sort();
}

/** `modules` is a `node_modules`, or pnpm's folder of them. */
async function visit(modules: string, needed: Set<string>): Promise<void> {
  const entries = await readdir(modules, { withFileTypes: true }).catch(() => []);
  await Promise.all(
    entries.map(async (entry) => {
      const path = join(modules, entry.name);
      if (!entry.isDirectory()) return;
      if (entry.name === ".pnpm") {
        for (const each of await readdir(path).catch(() => []))
          await visit(join(path, each, "node_modules"), needed);
      } else if (entry.name.startsWith("@")) await visit(path, needed);
      else if (!entry.name.startsWith(".")) {
        await look(path, needed);
        await visit(join(path, "node_modules"), needed);
      }
    }),
  );
}

async function look(path: string, needed: Set<string>): Promise<void> {
  const files = await readdir(path).catch((): string[] => []);
  if (!files.includes("package.json")) return;
  const text = await readFile(join(path, "package.json"), "utf8").catch(() => "");
  // Most packages are settled without parsing them.
  if (!files.includes("binding.gyp") && !text.includes('install"')) return;
  const { name, scripts = {} } = manifestOf(text);
  if (name === undefined || WORKS_WITHOUT.has(name)) return;
  // Binaries inside of the package are chosen when it is loaded.
  if (files.includes("prebuilds")) return;
  if (files.includes("binding.gyp") || INSTALL_SCRIPTS.some((script) => script in scripts)) needed.add(name);
}

function manifestOf(text: string): z.infer<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch {
    return {};
  }
}
