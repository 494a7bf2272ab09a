import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundleStaticServer, STATIC_SERVER_FILE } from "./bundle-static-server.ts";

let base: string;
let site: string;
let server: ChildProcess;
let origin: string;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "vw-static-"));
  site = join(base, "site");
  await mkdir(join(site, "docs"), { recursive: true });
  await writeFile(join(base, "secret.html"), "secret");
  await writeFile(join(site, "index.html"), "<h1>Home</h1>");
  await writeFile(join(site, "about.html"), "<h1>About</h1>");
  await writeFile(join(site, "docs/index.html"), "<h1>Docs</h1>");
  await writeFile(join(site, "app.js"), "with (Math) { console.log(PI) }");
  await writeFile(join(site, ".env"), "SECRET=1");
  const bundle = await bundleStaticServer({ cacheDir: join(base, "bundles") });
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  server = spawn(process.execPath, [join(bundle.dir, STATIC_SERVER_FILE), "--port", String(port)], {
    cwd: site,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (server.stdout !== null) await once(server.stdout, "data");
}, 60_000);
afterAll(async () => {
  const ended = once(server, "exit");
  server.kill("SIGTERM");
  await ended;
  await rm(base, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(origin + path, { headers, redirect: "manual" });

test("pages are found as on any web server, with the reload script behind them", async () => {
  for (const [path, heading] of [
    ["/", "Home"],
    ["/index.html", "Home"],
    ["/about", "About"],
    ["/about.html?x=1", "About"],
    ["/docs/", "Docs"],
  ]) {
    const response = await get(path ?? "");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(
      `<h1>${heading}</h1><script src="/.velocity-static/reload.js"></script>\n`,
    );
  }
  const folder = await get("/docs?x=1");
  expect([folder.status, folder.headers.get("location")]).toEqual([302, "/docs/?x=1"]);
});

test("scripts are served byte for byte, old-fashioned ones too", async () => {
  const response = await get("/app.js");
  expect(response.headers.get("content-type")).toContain("text/javascript");
  expect(await response.text()).toBe("with (Math) { console.log(PI) }");
  const again = await get("/app.js", { "if-none-match": response.headers.get("etag") ?? "" });
  expect(again.status).toBe(304);
});

test.each(["/.env", "/%2e%2e/secret.html", "/..%2fsecret.html", "/nothing.png"])(
  "%s is not there",
  async (path) => {
    expect((await get(path)).status).toBe(404);
  },
);

test("a missing page is a page, so that it comes up by itself once it is written", async () => {
  const response = await get("/soon", { accept: "text/html" });
  expect(response.status).toBe(404);
  expect(await response.text()).toContain("reload.js");
});

test("a saved file is announced to open pages", async () => {
  const response = await get("/.velocity-static/events");
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toMatch(/^event: hello/);
  await writeFile(join(site, "about.html"), "<h1>New</h1>");
  let text = "";
  while (!text.includes("\n\n")) text += (await reader?.read())?.value ?? "";
  expect(text).toBe('event: change\ndata: ["about.html"]\n\n');
  await reader?.cancel();
});
