import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { startVelocity } from "@velocity/e2e/velocity";
import { bareProject, bareStartMs } from "./src/bare-vite.ts";
import type { BenchRow } from "./src/bench-row.ts";
import { getWhenUp } from "./src/http.ts";
import { median } from "./src/measure.ts";
import { startProject } from "./src/session.ts";

const run_ = promisify(execFile);
const ROUNDS = 3;

/**
 * P5: the first start ever of a project, nothing cached anywhere: an own data folder each time for us, an own npm cache
 * for the peer, which installs with npm by hand and then starts Vite.
 */
export async function run(): Promise<BenchRow[]> {
  return [
    await measure("first start ever, pnpm may install", "none", 0.4),
    await measure("first start ever, the project demands npm", "npm", 1.05),
  ];
}

async function measure(what: string, lock: "none" | "npm", limit: number): Promise<BenchRow> {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const project = await bareProject("react", "none");
    await rm(join(project.directory, "pnpm-lock.yaml"));
    if (lock === "npm") await run_("npm", ["install", "--package-lock-only"], { cwd: project.directory });
    const files = await readProject(project.directory);

    const cache = await mkdtemp(join(tmpdir(), "velocity-npm-cache-"));
    const startedAt = performance.now();
    await run_("npm", [lock === "npm" ? "ci" : "install", "--no-audit", "--no-fund", "--cache", cache], {
      cwd: project.directory,
    });
    const installedMs = performance.now() - startedAt;
    theirs.push(installedMs + (await bareStartMs(project.directory)));
    await rm(cache, { recursive: true, force: true });
    await project.remove();

    await using velocity = await startVelocity({ env: { VELOCITY_POOL_SIZE: "0", VELOCITY_LOG: "error" } });
    const created = await velocity.api<{ id: string }>("POST", "/api/projects", { name: "first", files });
    const beganAt = performance.now();
    const started = await startProject(velocity, { projectId: created.id });
    await getWhenUp(velocity.port, started.host, "/src/main.jsx");
    ours.push(performance.now() - beganAt);
  }
  const row = { ours: median(ours), theirs: median(theirs) };
  const ratio = row.ours / row.theirs;
  return { id: "P5", what, ...row, unit: "ms", ratio, target: `≤ ${limit}×`, pass: ratio <= limit };
}

async function readProject(directory: string): Promise<{ path: string; content: string }[]> {
  const names = await readdir(directory, { recursive: true });
  const files: { path: string; content: string }[] = [];
  for (const name of names) {
    const path = resolve(directory, name);
    if ((await stat(path)).isFile())
      files.push({ path: relative(directory, path), content: await readFile(path, "utf8") });
  }
  return files;
}
