import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundleAgent } from "../bundle.ts";
import { freePort, node, runSpec, withAgent } from "../test/run-agent.ts";

const TIMEOUT_MS = 20_000;
const ENVIRONMENT = { PATH: process.env.PATH };

let folder: string;
let proxy: Server;
let socket: string;

/** Stands for the egress proxy: says what it was asked for. */
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "va-egress-"));
  socket = join(folder, "egress.sock");
  proxy = createServer((request, response) => {
    response.end(`proxied ${new URL(request.url ?? "", `http://${request.headers.host}`).href}`);
  });
  proxy.on("connect", (_request, tunnel) => {
    tunnel.write("HTTP/1.1 200 OK\r\n\r\n");
    proxy.emit("connection", tunnel);
  });
  proxy.listen(socket);
  await once(proxy, "listening");
});

afterEach(() => {
  proxy.closeAllConnections();
  proxy.close();
  rmSync(folder, { recursive: true });
});

test("dev server and commands reach the outside by the proxy, and the loopback directly", {
  timeout: TIMEOUT_MS,
}, async () => {
  const port = await freePort();
  const script = `
    import http from "node:http";
    const early = await (await fetch("http://early.example/x")).text();
    http.createServer(async (q, r) => {
      if (q.url === "/self") return r.end("self");
      const direct = await (await fetch("http://127.0.0.1:${port}/self")).text();
      const again = await (await fetch("http://later.example/y")).text();
      r.end([early, direct, again].join("|"));
    }).listen(${port}, "127.0.0.1");
  `;
  const run = runSpec({ command: node("s.mjs"), port });
  await withAgent({ files: { "s.mjs": script }, run, egressSocket: socket }, async (agent) => {
    await agent.status("listening");
    expect((await agent.get()).body).toBe(
      "proxied http://early.example/x|self|proxied http://later.example/y",
    );
    const code = `require("http").get("http://plain.example/z", (r) => r.on("data", (d) => console.log(String(d))))`;
    const result = await agent.client.exec(
      agent.control,
      { command: [process.execPath, "-e", code] },
      agent.signal,
    );
    expect(result.stdout).toBe("proxied http://plain.example/z\n");
  });
});

async function runMode(
  args: readonly string[],
  signal?: NodeJS.Signals,
): Promise<{ code: number | null; output: string }> {
  const { dir } = await bundleAgent({ cacheDir: join(tmpdir(), "velocity-test-agent") });
  const child = spawn(process.execPath, [join(dir, "agent.mjs"), "run", ...args], { env: ENVIRONMENT });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (signal !== undefined && output.includes("ready")) child.kill(signal);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = await once(child, "close");
  return { code, output };
}

test("run mode: the command has the proxy and its own exit code", { timeout: TIMEOUT_MS }, async () => {
  const script = `fetch("http://registry.example/p").then((r) => r.text()).then((t) => { console.log(t); process.exit(9); })`;
  const result = await runMode(["--egress", socket, "--", process.execPath, "-e", script]);
  expect(result).toEqual({ code: 9, output: "proxied http://registry.example/p\n" });
});

test("run mode: signals are passed on, and a missing command is told", { timeout: TIMEOUT_MS }, async () => {
  const script = `process.on("SIGTERM", () => process.exit(5)); console.log("ready"); setInterval(() => {}, 1e6);`;
  expect((await runMode(["--egress", socket, "--", process.execPath, "-e", script], "SIGTERM")).code).toBe(5);
  expect((await runMode(["--egress", socket, "--", "no-such-program"])).code).toBe(127);
  expect(await runMode(["--egress", socket])).toMatchObject({
    code: 2,
    output: expect.stringContaining("usage"),
  });
});
