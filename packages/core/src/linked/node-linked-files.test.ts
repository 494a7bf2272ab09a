import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { nodeLinkedFiles } from "./node-linked-files.ts";

let base: string;
let root: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "velocity-linked-"));
  root = join(base, "project");
  await mkdir(join(root, "src"), { recursive: true });
  await writeFile(join(base, "secret"), "secret");
  await writeFile(join(root, "src/a.js"), "a");
});
afterEach(() => rm(base, { recursive: true, force: true }));

const text = (path: string, content: string) => ({ path, content, encoding: "utf8" as const });

test("a file that was written is read back, with a version", async () => {
  const { version } = await nodeLinkedFiles.apply(root, { files: [text("deep/er/b.js", "b")], deletes: [] });
  expect(await nodeLinkedFiles.read(root, "deep/er/b.js")).toMatchObject({ content: "b", encoding: "utf8" });
  expect(version).toBeGreaterThan(0);
  expect((await nodeLinkedFiles.entries(root)).map((one) => one.path).toSorted()).toEqual([
    "deep/er/b.js",
    "src/a.js",
  ]);
});

test("bytes that are no text come back as base64", async () => {
  const content = Buffer.from([0xff, 0xfe, 0]).toString("base64");
  await nodeLinkedFiles.apply(root, { files: [{ path: "x.bin", content, encoding: "base64" }], deletes: [] });
  expect(await nodeLinkedFiles.read(root, "x.bin")).toMatchObject({ content, encoding: "base64" });
});

test("a write leaves no draft behind and keeps the file's mode", async () => {
  await chmod(join(root, "src/a.js"), 0o755);
  await nodeLinkedFiles.apply(root, { files: [text("src/a.js", "new")], deletes: [] });
  expect(await readdir(join(root, "src"))).toEqual(["a.js"]);
  expect((await stat(join(root, "src/a.js"))).mode & 0o777).toBe(0o755);
});

test("a link that leads out is neither read, nor listed, nor written through", async () => {
  await symlink(base, join(root, "out"));
  await symlink(join(base, "secret"), join(root, "leak"));
  expect(await nodeLinkedFiles.read(root, "out/secret")).toBeNull();
  expect(await nodeLinkedFiles.read(root, "leak")).toBeNull();
  expect((await nodeLinkedFiles.entries(root)).map((one) => one.path)).toEqual(["src/a.js"]);
  const through = nodeLinkedFiles.apply(root, { files: [text("out/secret", "changed")], deletes: [] });
  await expect(through).rejects.toMatchObject({ code: "validation" });
  await nodeLinkedFiles.apply(root, { files: [text("leak", "mine")], deletes: ["out/secret"] });
  expect(await readFile(join(base, "secret"), "utf8")).toBe("secret");
});

test.each(["../secret", "/etc/passwd", "src/../../secret", ".git/config", "node_modules/x"])(
  "the path %s is refused",
  async (path) => {
    await expect(nodeLinkedFiles.read(root, path)).rejects.toMatchObject({ code: "validation" });
    const change = { files: [text(path, "x")], deletes: [] };
    await expect(nodeLinkedFiles.apply(root, change)).rejects.toMatchObject({ code: "validation" });
  },
);

test("a directory that is missing, or is a file, is a typed error", async () => {
  await expect(nodeLinkedFiles.check(join(base, "none"))).rejects.toMatchObject({
    code: "directory_not_found",
  });
  await expect(nodeLinkedFiles.check(join(base, "secret"))).rejects.toMatchObject({
    code: "directory_not_found",
  });
  expect(await nodeLinkedFiles.check(root)).toBe(root);
});

test("deleting the last file of a folder takes the folder along", async () => {
  await nodeLinkedFiles.apply(root, { files: [], deletes: ["src/a.js", "src/none.js"] });
  expect(await readdir(root)).toEqual([]);
});
