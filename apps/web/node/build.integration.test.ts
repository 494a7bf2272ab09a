import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildWeb } from "./build.ts";

const MAX_ENTRY_GZIP_BYTES = 120 * 1024;
let cacheDir: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "velocity-build-"));
});
afterAll(() => rm(cacheDir, { recursive: true, force: true }));

test("two at once give one complete build, a third finds it made, and nothing half-made stays", async () => {
  await mkdir(join(cacheDir, "web/.building-999999999-left-by-a-dead-process"), { recursive: true });
  const [one, two] = await Promise.all([buildWeb({ cacheDir }), buildWeb({ cacheDir })]);
  expect(one.dir).toBe(two.dir);
  let built = 0;
  expect(await buildWeb({ cacheDir, onBuild: () => built++ })).toEqual(one);
  expect(built).toBe(0);
  expect(await readdir(join(cacheDir, "web"))).toHaveLength(1);
});

test("the entry is small and made for production", async () => {
  const { dir } = await buildWeb({ cacheDir });
  const names = await readdir(join(dir, "assets"));
  const scripts = await Promise.all(
    names.filter((name) => name.endsWith(".js")).map((name) => readFile(join(dir, "assets", name))),
  );
  const sizes = scripts.map((script) => gzipSync(script).byteLength);
  expect(Math.max(...sizes)).toBeLessThan(MAX_ENTRY_GZIP_BYTES);
  const text = scripts.map(String).join("");
  expect(text).not.toContain("Warning: ");
  expect(text, "zod belongs to the server").not.toContain("ZodError");
  expect(await readFile(join(dir, "index.html"), "utf8")).not.toMatch(/<script>|<style>|https?:\/\//);
});

test("finding a build that is there loads neither Vite nor React", async () => {
  await buildWeb({ cacheDir });
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load(url, context, next) { loaded.push(url); return next(url, context); } });
    const { buildWeb } = await import(${JSON.stringify(new URL("build.ts", import.meta.url).href)});
    await import(${JSON.stringify(new URL("serve.ts", import.meta.url).href)});
    await buildWeb({ cacheDir: ${JSON.stringify(cacheDir)}, onBuild() { throw new Error("it was there"); } });
    process.stdout.write(JSON.stringify(loaded.filter((url) => url.includes("node_modules"))));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(JSON.parse(stdout)).toEqual([]);
});
