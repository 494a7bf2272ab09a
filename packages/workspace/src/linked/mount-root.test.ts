import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { inspectLinked } from "./inspect-linked.ts";
import { findMountRoot } from "./mount-root.ts";

let base: string;

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), "vw-mono-")));
});
afterEach(() => rm(base, { recursive: true, force: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(base, path, ".."), { recursive: true });
    await writeFile(join(base, path), content);
  }
}

test("a pnpm workspace that includes the directory is mounted from its root", async () => {
  await write({
    "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - '!apps/old'\n",
    "apps/web/package.json": "{}",
    "apps/old/package.json": "{}",
    "other/package.json": "{}",
  });
  expect(await findMountRoot(join(base, "apps/web"))).toBe(base);
  expect(await findMountRoot(join(base, "apps/old"))).toBe(join(base, "apps/old"));
  expect(await findMountRoot(join(base, "other"))).toBe(join(base, "other"));
});

test.each([`{"workspaces":["packages/**"]}`, `{"workspaces":{"packages":["./packages/ui/"]}}`])(
  "workspaces of package.json count as well: %s",
  async (manifest) => {
    await write({ "package.json": manifest, "packages/ui/package.json": "{}" });
    expect(await findMountRoot(join(base, "packages/ui"))).toBe(base);
  },
);

test("a Git root is mounted only for the node_modules that the directory does not have itself", async () => {
  await write({ ".git/HEAD": "", "app/package.json": "{}" });
  expect(await findMountRoot(join(base, "app"))).toBe(join(base, "app"));
  await write({ "node_modules/a/package.json": "{}" });
  expect(await findMountRoot(join(base, "app"))).toBe(base);
  await write({ "app/node_modules/a/package.json": "{}" });
  expect(await findMountRoot(join(base, "app"))).toBe(join(base, "app"));
});

test("no folder that holds a home or the system is ever mounted", async () => {
  for (const directory of ["/etc", homedir(), "/usr/lib"])
    expect(await findMountRoot(directory)).toBe(await realpath(directory));
});

test("what is missing says so", async () => {
  await expect(findMountRoot(join(base, "none"))).rejects.toMatchObject({ code: "directory_not_found" });
});

test("a linked directory is installed when a dependency is missing or the lockfile is newer, and not otherwise", async () => {
  await write({ "package.json": `{"dependencies":{"a":"1"}}`, "package-lock.json": "{}" });
  expect(await inspectLinked(base)).toMatchObject({ needsInstall: true });
  await write({ "node_modules/a/package.json": "{}", "node_modules/.package-lock.json": "{}" });
  expect(await inspectLinked(base)).toMatchObject({ needsInstall: false });
  const { utimes } = await import("node:fs/promises");
  const later = new Date(Date.now() + 60_000);
  await utimes(join(base, "package-lock.json"), later, later);
  expect(await inspectLinked(base)).toMatchObject({ needsInstall: true });
});

test("a monorepo's member finds its dependencies and its lockfile above", async () => {
  await write({
    "package.json": `{"workspaces":["apps/*"]}`,
    "yarn.lock": "",
    "apps/web/package.json": `{"dependencies":{"a":"1"}}`,
    "node_modules/a/package.json": "{}",
  });
  expect(await inspectLinked(join(base, "apps/web"))).toEqual({
    needsInstall: false,
    rootLockfiles: ["yarn.lock"],
  });
});
