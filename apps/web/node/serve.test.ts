import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { serveWeb, type WebHandler } from "./serve.ts";

let folder: string;
let handler: WebHandler;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "velocity-serve-"));
  await mkdir(join(folder, "build/assets"), { recursive: true });
  await writeFile(join(folder, "build/index.html"), "<!doctype html><title>Velocity</title>");
  await writeFile(join(folder, "build/assets/index-abc123.js"), "export const answer = 42;");
  await writeFile(join(folder, "secret.txt"), "nobody may read this");
  handler = serveWeb(join(folder, "build"), { previewDomain: "velocity.localhost", port: 4400 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function ask(path: string, init: RequestInit = {}): Response {
  const headers = { accept: "text/html", ...(init.headers as Record<string, string> | undefined) };
  return handler(new Request(`http://velocity.localhost:4400${path}`, { ...init, headers }));
}

describe("pages", () => {
  test.each(["/", "/demo/container-preview", "/project/550e8400-e29b-41d4-a716-446655440000"])(
    "%s answers the index, to be asked for again each time",
    async (path) => {
      const answer = ask(path);
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.headers.get("cache-control")).toBe("no-cache");
      expect(await answer.text()).toContain("<title>Velocity");
    },
  );

  test("an unknown address answers the same page with 404, so that it can say so", async () => {
    const answer = ask("/nope");
    expect(answer.status).toBe(404);
    expect(await answer.text()).toContain("<title>Velocity");
  });

  test("run only their own files and frame only previews", () => {
    const policy = ask("/").headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("frame-src http://*.velocity.localhost:4400");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain("unsafe");
  });

  test("frame previews under the public address too, where a proxy stands in front", () => {
    const behindProxy = serveWeb(join(folder, "build"), {
      previewDomain: "preview.example",
      port: 4400,
      publicUrl: "https://velocity.example",
    });
    const policy = behindProxy(new Request("http://x/")).headers.get("content-security-policy") ?? "";
    expect(policy).toContain("frame-src http://*.preview.example:4400 https://*.preview.example");
  });
});

describe("assets", () => {
  const path = "/assets/index-abc123.js";

  test("are kept by browsers for ever, since their name changes with their content", async () => {
    const answer = ask(path);
    expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect(await answer.text()).toBe("export const answer = 42;");
  });

  test("answer 304 without a body to who has them", async () => {
    const etag = ask(path).headers.get("etag") ?? "";
    for (const header of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const answer = ask(path, { headers: { "if-none-match": header } });
      expect(answer.status).toBe(304);
      expect(await answer.text()).toBe("");
    }
    expect(ask(path, { headers: { "if-none-match": '"other"' } }).status).toBe(200);
  });

  test("HEAD answers the headers of GET and no body", async () => {
    const answer = ask(path, { method: "HEAD" });
    expect(answer.headers.get("content-length")).toBe("25");
    expect(await answer.text()).toBe("");
  });

  test("a missing one is a plain 404, not a page in the place of a script", async () => {
    for (const missing of ["/assets/index-old.js", "/assets/", "/api/nothing"]) {
      const answer = ask(missing);
      expect(answer.status).toBe(404);
      expect(answer.headers.get("content-type")).toContain("text/plain");
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });
});

test.each([
  "/../secret.txt",
  "/assets/../../secret.txt",
  "/..%2fsecret.txt",
  "/%2e%2e/secret.txt",
  "/assets/..%5c..%5csecret.txt",
  "//secret.txt",
  "/index.html%00.js",
])("%s reaches no file outside the build", async (path) => {
  const answer = ask(path, { headers: { accept: "*/*" } });
  expect(answer.status).toBe(404);
  expect(await answer.text()).not.toContain("nobody");
});

test("other methods are refused with what is allowed", () => {
  const answer = ask("/", { method: "POST" });
  expect(answer.status).toBe(405);
  expect(answer.headers.get("allow")).toBe("GET, HEAD");
});

test("a folder without a build is refused at once", () => {
  expect(() => serveWeb(join(folder, "build/assets"), { previewDomain: "x", port: 1 })).toThrow("index.html");
});
