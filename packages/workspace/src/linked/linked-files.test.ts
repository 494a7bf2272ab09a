import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLinkedFiles } from "./linked-files.ts";

const files = createLinkedFiles();
let outside: string;
let directory: string;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), "velocity-linked-"));
  directory = join(outside, "project");
  await mkdir(join(directory, "src"), { recursive: true });
  await writeFile(join(outside, "secret"), "do not touch");
});
afterEach(() => rm(outside, { recursive: true, force: true }));

const text = (path: string, content: string) => ({ path, content, encoding: "utf8" as const });

test("a written file is read back, in new folders too, and nothing else is left beside it", async () => {
  await files.apply(directory, { files: [text("src/deep/new.js", "export {};")], deletes: [] });
  expect(await files.read(directory, "src/deep/new.js")).toMatchObject({
    content: "export {};",
    encoding: "utf8",
  });
  expect(await readdir(join(directory, "src/deep"))).toEqual(["new.js"]);
});

test("permissions of a file stay as they were", async () => {
  await writeFile(join(directory, "run.sh"), "old");
  await chmod(join(directory, "run.sh"), 0o755);
  await files.apply(directory, { files: [text("run.sh", "new")], deletes: [] });
  expect((await stat(join(directory, "run.sh"))).mode & 0o777).toBe(0o755);
});

test("bytes that are no text come as base64 and go back the same", async () => {
  const bytes = Buffer.from([0, 255, 128, 13, 10]);
  await writeFile(join(directory, "image.png"), bytes);
  const read = await files.read(directory, "image.png");
  expect(read?.encoding).toBe("base64");
  expect(Buffer.from(read?.content ?? "", "base64")).toEqual(bytes);
});

test("no path leads out: not by dots, not through a linked folder, not through a linked file", async () => {
  await symlink(outside, join(directory, "way-out"));
  await symlink(join(outside, "secret"), join(directory, "linked-file"));
  for (const path of ["../secret", "way-out/secret", "/etc/passwd", "src/../../secret"]) {
    await expect(files.read(directory, path)).rejects.toMatchObject({ code: "validation" });
    await expect(files.apply(directory, { files: [text(path, "gone")], deletes: [] })).rejects.toMatchObject({
      code: "validation",
    });
    await expect(files.apply(directory, { files: [], deletes: [path] })).rejects.toMatchObject({
      code: "validation",
    });
  }
  await expect(files.read(directory, "linked-file")).rejects.toMatchObject({ code: "validation" });
  // writing replaces the link itself, never what it points at
  await files.apply(directory, { files: [text("linked-file", "mine")], deletes: [] });
  expect(await readFile(join(outside, "secret"), "utf8")).toBe("do not touch");
});

test("the listing leaves out dependencies and version control, and follows no link", async () => {
  await mkdir(join(directory, "node_modules/x"), { recursive: true });
  await writeFile(join(directory, "node_modules/x/index.js"), "");
  await symlink(outside, join(directory, "way-out"));
  await writeFile(join(directory, "index.html"), "hello");
  expect((await files.entries(directory)).map((entry) => entry.path)).toEqual(["index.html"]);
});

test("a missing directory and a file in its place are told apart from an empty one", async () => {
  await expect(files.check(join(outside, "nowhere"))).rejects.toMatchObject({ code: "directory_not_found" });
  await expect(files.check(join(outside, "secret"))).rejects.toMatchObject({ code: "directory_not_found" });
  expect(await files.check(directory)).toContain("project");
});
