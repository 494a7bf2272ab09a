import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { getWhenUp } from "./http.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

export interface BareProject {
  readonly directory: string;
  remove(): Promise<void>;
}

/** A copy of a template with its dependencies, as a person would have it after `pnpm install`. */
export async function bareProject(
  template: string,
  install: "pnpm" | "npm" | "none" = "pnpm",
): Promise<BareProject> {
  const directory = await mkdtemp(join(tmpdir(), "velocity-bare-"));
  await cp(join(ROOT, "templates", template), directory, { recursive: true });
  if (install === "pnpm")
    await run(join(ROOT, "node_modules/.bin/pnpm"), ["install", "--frozen-lockfile"], { cwd: directory });
  if (install === "npm") await run("npm", ["install", "--no-audit", "--no-fund"], { cwd: directory });
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}

export interface BareServer {
  readonly port: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** The dev server by itself, started the quickest way there is: its own file, no npm in between. */
export async function startBareVite(directory: string): Promise<BareServer> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    ["node_modules/vite/bin/vite.js", "--port", String(port), "--strictPort", "--host", "127.0.0.1"],
    {
      cwd: directory,
      stdio: "ignore",
    },
  );
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  return {
    port,
    child,
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Milliseconds from starting bare Vite, without its cache of optimised dependencies, to the first module. */
export async function bareStartMs(directory: string, module = "/src/main.jsx"): Promise<number> {
  await rm(join(directory, "node_modules/.vite"), { recursive: true, force: true });
  const startedAt = performance.now();
  const server = await startBareVite(directory);
  await getWhenUp(server.port, `127.0.0.1:${server.port}`, module);
  const ms = performance.now() - startedAt;
  await server.stop();
  return ms;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
