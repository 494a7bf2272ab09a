import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connectEndpoint } from "./connect-endpoint.ts";

let dir: string;
const servers: Server[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "velocity-edge-"));
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function listen(path: string): Promise<void> {
  const server = createServer((socket) => socket.end("hello")).listen(path);
  servers.push(server);
  await once(server, "listening");
}
async function read(path: string): Promise<string> {
  const socket = connectEndpoint({ kind: "unix", path });
  let text = "";
  for await (const piece of socket) text += String(piece);
  socket.destroy();
  return text;
}
const isLinux = process.platform === "linux";
const openDescriptors = () => readdirSync("/proc/self/fd").length;

test("a Unix socket is reached", async () => {
  await listen(join(dir, "a.sock"));
  expect(await read(join(dir, "a.sock"))).toBe("hello");
});

test.runIf(isLinux)("a path longer than a socket address allows is reached", async () => {
  const deep = join(dir, ..."0123456789".split("").map((digit) => digit.repeat(20)));
  mkdirSync(deep, { recursive: true });
  await listen(join(dir, "s"));
  // Bound by its short name, then moved: a long name cannot be bound.
  const { renameSync } = await import("node:fs");
  renameSync(join(dir, "s"), join(deep, "app.sock"));
  expect(await read(join(deep, "app.sock"))).toBe("hello");
});

test.runIf(isLinux).each(["symlink", "file", "folder", "nothing", "dangling symlink"])(
  "a planted %s is refused, and no descriptor stays open",
  async (what) => {
    await listen(join(dir, "victim.sock"));
    const path = join(dir, "app.sock");
    if (what === "symlink") symlinkSync(join(dir, "victim.sock"), path);
    if (what === "dangling symlink") symlinkSync(join(dir, "gone"), path);
    if (what === "file") writeFileSync(path, "");
    if (what === "folder") mkdirSync(path);
    const before = openDescriptors();
    expect(() => connectEndpoint({ kind: "unix", path })).toThrow(/session_unavailable/);
    expect(openDescriptors()).toBe(before);
  },
);

test.runIf(isLinux)("the pinned descriptor is closed once connected or failed", async () => {
  const path = join(dir, "a.sock");
  await listen(path);
  await read(path);
  const before = openDescriptors();
  for (let i = 0; i < 20; i++) await read(path);
  expect(openDescriptors()).toBeLessThanOrEqual(before + 2);
});
