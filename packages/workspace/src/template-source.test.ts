import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createTemplateSource } from "./template-source.ts";

let directory: string;
const facts = { title: "One", description: "The first.", framework: "vite" };

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "vw-templates-"));
  await mkdir(join(directory, "one/src"), { recursive: true });
  await mkdir(join(directory, "one/node_modules/x"), { recursive: true });
  await mkdir(join(directory, "not-one"));
  await writeFile(join(directory, "one/template.json"), JSON.stringify(facts));
  await writeFile(join(directory, "one/src/main.js"), "// ü\n");
  await writeFile(join(directory, "one/logo.png"), Buffer.from([0x89, 0x50, 0x00, 0xff]));
  await writeFile(join(directory, "one/node_modules/x/index.js"), "x");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test("folders with a template.json are templates; it and what tools leave are not among the files", async () => {
  const source = createTemplateSource(directory);
  expect(await source.list()).toEqual([{ id: "one", ...facts }]);
  expect(await source.files("one")).toEqual([
    { path: "logo.png", content: "iVAA/w==", encoding: "base64" },
    { path: "src/main.js", content: "// ü\n", encoding: "utf8" },
  ]);
});

test("files are read once, and again when one changes", async () => {
  const source = createTemplateSource(directory);
  const first = await source.files("one");
  expect(await source.files("one")).toBe(first);
  await writeFile(join(directory, "one/src/main.js"), "// other\n");
  expect(await source.files("one")).toContainEqual({
    path: "src/main.js",
    content: "// other\n",
    encoding: "utf8",
  });
});

test.each(["two", "not-one", "..", "one/src", "", "__proto__"])(
  "%s is no template; those that exist are named",
  async (id) => {
    await expect(createTemplateSource(directory).files(id)).rejects.toMatchObject({
      code: "validation",
      errors: [{ path: "template", code: "unknown_template", message: "Unknown template. Known: one." }],
    });
  },
);
