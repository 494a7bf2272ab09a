import { access, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import type { PackageManagerName } from "../ports.ts";

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

const pnpmStateSchema = z.looseObject({ ignoredBuilds: z.array(z.string()).optional() });
const npmLockSchema = z.looseObject({
  packages: z.record(z.string(), z.looseObject({ hasInstallScript: z.boolean().optional() })),
});
const scriptsSchema = z.looseObject({ scripts: z.record(z.string(), z.unknown()).optional() });

/**
 * Names of installed packages that do not work before their install script has run. Looks at what the manager wrote down
 * about skipped scripts; where it writes nothing down, at the top level of `node_modules`.
 */
export async function packagesInNeedOfBuild(
  folder: string,
  manager: PackageManagerName,
): Promise<readonly string[]> {
  const candidates = new Set(
    (await skippedScripts(folder, manager)).filter((name) => !WORKS_WITHOUT.has(name)),
  );
  const needed: string[] = [];
  for (const name of candidates) {
    // Prebuilt binaries inside of the package are chosen when it is loaded.
    if (!(await exists(join(folder, "node_modules", name, "prebuilds")))) needed.push(name);
  }
  return needed.sort();
}

async function skippedScripts(folder: string, manager: PackageManagerName): Promise<readonly string[]> {
  const modules = join(folder, "node_modules");
  if (manager === "pnpm") {
    const text = await readFile(join(modules, ".modules.yaml"), "utf8").catch(() => "");
    const parsed = pnpmStateSchema.safeParse(parse(text));
    return (parsed.data?.ignoredBuilds ?? []).map(nameOf);
  }
  if (manager === "npm") {
    const text = await readFile(join(modules, ".package-lock.json"), "utf8").catch(() => "{}");
    const parsed = npmLockSchema.safeParse(JSON.parse(text));
    return Object.entries(parsed.data?.packages ?? {})
      .filter(([, entry]) => entry.hasInstallScript === true)
      .map(([path]) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length));
  }
  const names: string[] = [];
  for (const name of await readdir(modules).catch(() => [])) {
    if (name.startsWith(".")) continue;
    const inside = name.startsWith("@") ? await readdir(join(modules, name)).catch(() => []) : null;
    for (const full of inside === null ? [name] : inside.map((each) => `${name}/${each}`))
      if (await hasInstallScript(join(modules, full))) names.push(full);
  }
  return names;
}

async function hasInstallScript(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}");
  let scripts: Readonly<Record<string, unknown>>;
  try {
    scripts = scriptsSchema.parse(JSON.parse(text)).scripts ?? {};
  } catch {
    return false;
  }
  const named = ["preinstall", "install", "postinstall"].some((script) => script in scripts);
  return named || (await exists(join(folder, "binding.gyp")));
}

/** `@scope/name@1.2.3(peer@1)` → `@scope/name`. */
function nameOf(packageId: string): string {
  const split = packageId.indexOf("@", 1);
  return split < 0 ? packageId : packageId.slice(0, split);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
