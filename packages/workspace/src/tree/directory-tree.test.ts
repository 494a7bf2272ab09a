import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDirectoryTree } from "./directory-tree.ts";

let base: string;
let directory: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "vw-tree-"));
  directory = join(base, "project");
  for (const folder of ["src/deep", "node_modules/a", ".git"])
    await mkdir(join(directory, folder), { recursive: true });
  for (const path of ["package.json", "src/main.js", "src/deep/x.js", "node_modules/a/index.js", ".git/HEAD"])
    await writeFile(join(directory, path), path);
  await writeFile(join(base, "secret"), "secret");
});
afterEach(() => rm(base, { recursive: true, force: true }));

test("lists files without node_modules and .git, the topmost first", async () => {
  const tree = createDirectoryTree(directory);
  expect(await tree.list(100)).toEqual(["package.json", "src/main.js", "src/deep/x.js"]);
  expect(await tree.list(2)).toEqual(["package.json", "src/main.js"]);
});

test("reads what is there, and null for what is not", async () => {
  const tree = createDirectoryTree(directory);
  expect(await tree.read("src/main.js")).toBe("src/main.js");
  for (const path of [
    "nothing",
    "src",
    "",
    "../secret",
    "/etc/passwd",
    "src/../../secret",
    "node_modules/a/index.js",
  ])
    expect(await tree.read(path)).toBeNull();
});

test("links lead nowhere outside, and are not walked", async () => {
  await symlink(join(base, "secret"), join(directory, "out"));
  await symlink(base, join(directory, "up"));
  await symlink("src/main.js", join(directory, "inside.js"));
  const tree = createDirectoryTree(directory);
  expect(await tree.list(100)).toEqual(["inside.js", "package.json", "src/main.js", "src/deep/x.js"]);
  expect(await tree.read("out")).toBeNull();
  expect(await tree.read("up/secret")).toBeNull();
  expect(await tree.read("inside.js")).toBe("src/main.js");
});

test("a directory that is not there is a plain error", async () => {
  await expect(createDirectoryTree(join(base, "none")).list(10)).rejects.toMatchObject({
    code: "directory_not_found",
  });
});
