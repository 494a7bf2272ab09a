import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWorkspace, type WorkspaceFixture } from "../test/workspace-fixture.ts";
import { createDirectoryTree } from "../tree/directory-tree.ts";

const run = promisify(execFile);
const VARIANTS = [
  "vanilla",
  "vue",
  "react",
  "react-compiler",
  "preact",
  "lit",
  "svelte",
  "solid",
  "qwik",
].flatMap((name) => [name, `${name}-ts`]);
let fixture: WorkspaceFixture;
let starters: string;

/** The real generator, run once for every starter that it ships. */
beforeAll(async () => {
  fixture = await openWorkspace();
  starters = await mkdtemp(join(tmpdir(), "vw-starters-"));
  const manifest = { "package.json": JSON.stringify({ dependencies: { "create-vite": "*" } }) };
  const { mounts } = await fixture.install(manifest);
  const generator = join(mounts[0]?.path ?? "", "create-vite/index.js");
  for (const variant of VARIANTS) {
    const args = [generator, variant, "--template", variant, "--no-interactive", "--no-immediate"];
    await run(process.execPath, args, { cwd: starters });
  }
}, 180_000);
afterAll(async () => {
  await fixture.close();
  await rm(starters, { recursive: true, force: true });
});

test.each(VARIANTS)("the starter %s runs Vite directly, on one known port", async (variant) => {
  const tree = createDirectoryTree(join(starters, variant));
  const plan = await fixture.workspace.plan(tree, { linkedDirectory: null });
  expect(plan).toMatchObject({ framework: "vite", packageManager: "pnpm", network: "registry" });
  expect(plan.dependencies).not.toBeNull();
  expect(plan.run).toMatchObject({
    command: ["node", "node_modules/.bin/vite", "--port", "5173", "--strictPort", "--host", "127.0.0.1"],
    cwd: ".",
    port: 5173,
    listen: "preload",
    install: null,
  });
});

test("a starter's layer holds the binary that the plan names, as a link that Node can start", async () => {
  const tree = createDirectoryTree(join(starters, "react"));
  const plan = await fixture.workspace.plan(tree, { linkedDirectory: null });
  const { mounts } = await fixture.workspace.dependencies(plan, tree, {
    projectId: "project",
    signal: new AbortController().signal,
    onLog: () => {},
  });
  const binary = join(mounts[0]?.path ?? "", ".bin/vite");
  const { stdout } = await run(process.execPath, [binary, "--version"]);
  expect(stdout).toMatch(/^vite\/\d+\./);
});

test("a linked starter without node_modules is installed in place, by the owner's own manager", async () => {
  const directory = join(starters, "vue");
  const plan = await fixture.workspace.plan(createDirectoryTree(directory), { linkedDirectory: directory });
  expect(plan).toMatchObject({ network: "full", dependencies: null, packageManager: "npm" });
  expect(plan.run.command[0]).toBe("vite");
  expect(plan.run.install?.command.join(" ")).toContain("npm install");
});
