import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionId } from "@velocity/contract";
import { createServer, type ViteDevServer } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Rig } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
let id: SessionId;
let vite: ViteDevServer;
const root = mkdtempSync(join(tmpdir(), "velocity-vite-"));

beforeAll(async () => {
  rig = await Rig.start();
  id = rig.id();
  writeFileSync(join(root, "index.html"), '<!doctype html><script type="module" src="/main.js"></script>');
  writeFileSync(join(root, "main.js"), 'import "./dep.js"; import.meta.hot?.accept();');
  writeFileSync(join(root, "dep.js"), "export const n = 1;");
  const http = createHttpServer((req, res) => vite.middlewares(req, res));
  vite = await createServer({
    root,
    configFile: false,
    logLevel: "silent",
    appType: "spa",
    // No file watcher: the test says itself what changed, so that it waits for nothing but the message.
    server: { middlewareMode: { server: http }, hmr: { server: http }, watch: null },
  });
  const path = rig.socketPath();
  await new Promise<void>((resolve) => http.listen(path, resolve));
  rig.onClose(async () => {
    await vite.close();
    http.closeAllConnections();
    http.close();
  });
  rig.lookup.publish(id, live({ kind: "unix", path }));
}, 30_000);
afterAll(async () => {
  await rig.close();
  rmSync(root, { recursive: true, force: true });
});

test("Vite's page, client and modules answer through a Unix socket", async () => {
  expect((await rig.get(id, "/", { Accept: "text/html" })).text).toContain("/@vite/client");
  const client = await rig.get(id, "/@vite/client");
  expect([client.status, client.header("content-type")]).toEqual([200, "text/javascript"]);
  expect((await rig.get(id, "/main.js")).text).toContain("/dep.js");
});

test("an update reaches the page over its HMR socket, and vite-ping answers", async () => {
  const client = (await rig.get(id, "/@vite/client")).text;
  const token = /wsToken = "([^"]+)"/.exec(client)?.[1];
  expect(token).toBeTypeOf("string");
  const open = (protocol: string) =>
    new Promise<WebSocket>((resolve, reject) => {
      // Node does not resolve *.localhost: a tiny relay gives the browser's own client a name it can dial.
      const socket = new WebSocket(`ws://127.0.0.1:${relayPort}/?token=${token}`, protocol);
      socket.onopen = () => resolve(socket);
      socket.onerror = () => reject(new Error("not connected"));
    });
  const relay = createNetServer((socket) => {
    socket.once("data", async (head: Buffer) => {
      const upstream = (await rig.client()).socket;
      upstream.on("error", () => socket.destroy());
      socket.on("error", () => upstream.destroy());
      upstream.write(head.toString("latin1").replace(/Host: [^\r]+/i, `Host: ${rig.host(id)}`), "latin1");
      socket.pipe(upstream);
      upstream.pipe(socket);
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const address = relay.address();
  const relayPort = address !== null && typeof address === "object" ? address.port : 0;
  try {
    const ping = await open("vite-ping");
    ping.close();
    const hmr = await open("vite-hmr");
    const messages: string[] = [];
    const update = new Promise<void>((resolve) => {
      hmr.onmessage = (event) => {
        messages.push(String(event.data));
        if (String(event.data).includes("velocity:changed")) resolve();
      };
    });
    vite.ws.send({ type: "custom", event: "velocity:changed", data: { big: "x".repeat(200_000) } });
    await update;
    expect(messages.some((message) => message.length > 200_000)).toBe(true);
    expect(rig.gateway.openSockets(id)).toBeGreaterThanOrEqual(1);
    hmr.close();
  } finally {
    relay.close();
  }
});
