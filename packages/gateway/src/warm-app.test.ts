import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scriptsOf, warmApp } from "./warm-app.ts";

test("the page and its own scripts are asked for, nothing of other hosts", async () => {
  const folder = await mkdtemp(join(tmpdir(), "velocity-warm-"));
  const asked: string[] = [];
  const page = `<script type="module" src="/src/main.jsx"></script><script src='/index.bundle?a=1&amp;b=2'></script>
    <script src="//cdn.example/x.js"></script><script src="https://cdn.example/y.js"></script><script>inline()</script>`;
  const server = createServer((req, res) => {
    asked.push(req.url ?? "");
    res.end(req.url === "/" ? page : "export {};");
  });
  await new Promise<void>((done) => server.listen(join(folder, "app.sock"), done));
  await warmApp({ kind: "unix", path: join(folder, "app.sock") }, "/", AbortSignal.timeout(5000));
  expect(asked.sort()).toEqual(["/", "/index.bundle?a=1&b=2", "/src/main.jsx"]);
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true, force: true });
});

test("a server that is not there is an error", async () => {
  const nowhere = { kind: "unix", path: "/tmp/velocity-there-is-no-such.sock" } as const;
  await expect(warmApp(nowhere, "/", AbortSignal.timeout(5000))).rejects.toThrow();
});

test("a page without scripts names none", () => {
  expect(scriptsOf("<h1>hello</h1>")).toEqual([]);
});
