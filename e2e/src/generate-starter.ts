import { execFile } from "node:child_process";
import { basename, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const MODULES = resolve(import.meta.dirname, "../../node_modules");
const GENERATORS = {
  "create-vite": "create-vite/index.js",
  "create-next-app": "create-next-app/dist/index.js",
  sv: "sv/dist/bin.mjs",
} as const;

/** Runs the generator that a framework's own documentation names, as a person would: it makes `directory`. */
export async function generate(
  generator: keyof typeof GENERATORS,
  before: readonly string[],
  directory: string,
  after: readonly string[],
): Promise<void> {
  const args = [join(MODULES, GENERATORS[generator]), ...before, basename(directory), ...after];
  const child = run(process.execPath, args, { cwd: dirname(directory), timeout: 60_000 });
  // Without this they ask, and wait for an answer.
  child.child.stdin?.end();
  await child;
}

/** A package manager at work in a project before Velocity sees it. */
export async function manage(
  directory: string,
  manager: "npm" | "pnpm",
  args: readonly string[],
): Promise<void> {
  const file = manager === "npm" ? "npm" : join(MODULES, ".bin/pnpm");
  await run(file, [...args], { cwd: directory, timeout: 120_000 });
}

/** The package registry that this machine's npm is configured to. */
export async function configuredRegistry(): Promise<string> {
  const { stdout } = await run("npm", ["config", "get", "registry"], { cwd: "/", timeout: 30_000 });
  return stdout.trim();
}
