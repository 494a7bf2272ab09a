import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoint } from "@velocity/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAgentClient } from "./index.ts";

let folder: string;
let path: string;
let at: Endpoint;
let server: Server;
const sockets = new Set<Socket>();
const client = createAgentClient({ timeoutMs: 300 });
const signal = new AbortController().signal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "va-hostile-"));
  path = join(folder, "control.sock");
  at = { kind: "unix", path };
});

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server?.close();
  rmSync(folder, { recursive: true });
});

async function answer(onSocket: (socket: Socket) => void, listenPath = path): Promise<void> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => sockets.delete(socket));
    socket.once("data", () => onSocket(socket));
  });
  server.listen(listenPath);
  await once(server, "listening");
}

const head = (status: string, more = ""): string => `HTTP/1.1 ${status}\r\n${more}\r\n`;

describe("a hostile container", () => {
  test("cannot send the orchestrator to another socket by a link", async () => {
    const elsewhere = join(folder, "elsewhere.sock");
    let reached = false;
    await answer(() => {
      reached = true;
    }, elsewhere);
    symlinkSync(elsewhere, path);
    await expect(client.identity(at, signal)).rejects.toMatchObject({ code: "session_unavailable" });
    rmSync(path);
    writeFileSync(path, "not a socket");
    await expect(client.identity(at, signal)).rejects.toMatchObject({ code: "session_unavailable" });
    expect(reached).toBe(false);
  });

  test.each([
    ["no HTTP", "SSH-2.0-x\r\n\r\n"],
    ["no JSON", `${head("200 OK", "Content-Length: 5\r\n")}hello`],
    ["a wrong shape", `${head("200 OK", "Content-Length: 2\r\n")}{}`],
    ["an unknown error", `${head("500 x", "Content-Length: 2\r\n")}{}`],
    [
      "an error that is not an agent's to make",
      head("401 x", "Connection: close\r\n") + problem("unauthorized"),
    ],
    ["a body cut short", `${head("200 OK", "Content-Length: 500\r\n")}{"a":`],
  ])("that answers %s gets a typed error", async (_name, bytes) => {
    await answer((socket) => socket.end(bytes));
    await expect(client.identity(at, signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^(upstream_invalid|session_unavailable)$/),
    });
  });

  test("that never answers, or trickles for ever, is given up", async () => {
    await answer(() => {});
    await expect(client.health(at, signal)).rejects.toMatchObject({ code: "upstream_timeout" });
    server.close();
    rmSync(path, { force: true });
    await answer((socket) => {
      socket.write(head("200 OK", "Content-Length: 100000\r\n"));
      const timer = setInterval(() => socket.write("x"), 20);
      socket.once("close", () => clearInterval(timer));
    });
    await expect(client.health(at, signal)).rejects.toMatchObject({ code: "upstream_timeout" });
  });

  test("cannot fill the memory by an answer or a line without end", async () => {
    const flood = (socket: Socket): void => {
      socket.write(head("200 OK", "Transfer-Encoding: chunked\r\n"));
      const chunk = `100000\r\n${"x".repeat(0x10_0000)}\r\n`;
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      more();
    };
    await answer(flood);
    const roomy = createAgentClient({ timeoutMs: 10_000 });
    await expect(roomy.identity(at, signal)).rejects.toMatchObject({ code: "upstream_invalid" });
    const drain = async (): Promise<void> => {
      for await (const _ of client.events(at, 0, signal)) throw new Error("no event was sent");
    };
    await expect(drain()).rejects.toMatchObject({ code: "upstream_invalid" });
  });
});

describe("events", () => {
  const event = `{"type":"server","seq":1,"at":"2026-01-01T00:00:00.000Z","status":"idle","port":null,"error":null}\n`;

  test("wait for the agent to come up, and throw when the connection is lost", async () => {
    const stream = client.events(at, 0, signal)[Symbol.asyncIterator]();
    const first = stream.next();
    await answer((socket) => socket.write(head("200 OK", "Transfer-Encoding: chunked\r\n") + chunked(event)));
    expect((await first).value).toMatchObject({ seq: 1, status: "idle" });
    const next = stream.next();
    for (const socket of sockets) socket.destroy();
    await expect(next).rejects.toMatchObject({ code: "session_unavailable" });
  });

  test("end quietly with the signal, while waiting and while reading", async () => {
    const stop = new AbortController();
    const waiting = client.events(at, 0, stop.signal)[Symbol.asyncIterator]().next();
    stop.abort();
    expect((await waiting).done).toBe(true);

    await answer((socket) => socket.write(head("200 OK", "Transfer-Encoding: chunked\r\n") + chunked(event)));
    const later = new AbortController();
    const stream = client.events(at, 0, later.signal)[Symbol.asyncIterator]();
    await stream.next();
    const reading = stream.next();
    later.abort();
    expect((await reading).done).toBe(true);
  });
});

function problem(code: string): string {
  return JSON.stringify({
    type: "t",
    title: "t",
    status: 401,
    detail: "d",
    instance: "/",
    code,
    requestId: "r",
  });
}

function chunked(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}
