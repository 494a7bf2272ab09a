import type { Socket } from "node:net";
import type { SessionId } from "@velocity/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Rig, until } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
let id: SessionId;
beforeEach(async () => {
  rig = await Rig.start({ limits: { halfOpenMs: 200, maxSocketsPerSession: 3 } });
  id = rig.id();
});
afterEach(() => rig.close());

const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
const handshake = (more = "") =>
  `GET /ws HTTP/1.1\r\nHost: ${rig.host(id)}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${more}\r\n`;

/** A container that switches, then leaves its socket to the test. */
async function switching(after: (socket: Socket, handshake: string) => void = () => {}): Promise<void> {
  const app = await rig.raw((socket) => {
    socket.once("data", (head: Buffer) => {
      socket.write(SWITCH);
      after(socket, head.toString("latin1"));
    });
  });
  rig.lookup.publish(id, live(app.endpoint));
}
async function connected(more = "") {
  const client = await rig.client();
  client.write(handshake(more));
  expect((await client.response()).status).toBe(101);
  return client;
}

describe("a WebSocket", () => {
  test("its handshake keeps what dev servers look at", async () => {
    const seen = Promise.withResolvers<string>();
    await switching((_socket, head) => seen.resolve(head));
    await connected(
      "Origin: http://elsewhere.example\r\nSec-WebSocket-Protocol: vite-hmr\r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
    );
    const head = await seen.promise;
    expect(head).toContain(`Host: ${rig.host(id)}\r\n`);
    expect(head).toContain("Origin: http://elsewhere.example\r\n");
    expect(head).toContain("Sec-WebSocket-Protocol: vite-hmr\r\n");
    expect(head).toContain("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    expect(head).toContain("Connection: Upgrade\r\n");
  });

  test("bytes sent together with the handshake arrive after the switch", async () => {
    const got = Promise.withResolvers<string>();
    await switching((socket) => socket.on("data", (data: Buffer) => got.resolve(data.toString())));
    const client = await rig.client();
    client.write(`${handshake()}early`);
    expect((await client.response()).status).toBe(101);
    expect(await got.promise).toBe("early");
  });

  test("a refusal is passed on with its body, and the connection ends", async () => {
    const app = await rig.app((_req, res) => res.end());
    app.server.on("upgrade", (_req, socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope");
    });
    rig.lookup.publish(id, live(app.endpoint));
    const client = await rig.client();
    client.write(handshake());
    const answer = await client.response();
    expect([answer.status, answer.text]).toEqual([403, "nope"]);
    await client.closed();
    expect(rig.gateway.openSockets(id)).toBe(0);
  });

  test("the end of one side arrives at the other, which may still answer", async () => {
    await switching((socket) => socket.on("end", () => socket.end("last words")));
    const client = await connected();
    client.socket.end();
    expect((await client.take(10)).toString()).toBe("last words");
    await until(() => rig.gateway.openSockets(id) === 0, "counted out");
  });

  test("a side that stays half open is ended", async () => {
    await switching((socket) => socket.resume());
    const client = await connected();
    client.socket.end();
    await client.closed();
    await until(() => rig.gateway.openSockets(id) === 0, "counted out");
  });

  test("a reset of either side ends the other and harms nobody", async () => {
    let upstream: Socket | null = null;
    await switching((socket) => {
      upstream = socket;
    });
    const first = await connected();
    first.socket.resetAndDestroy();
    await until(() => rig.gateway.openSockets(id) === 0, "counted out");
    const second = await connected();
    (upstream as Socket | null)?.destroy();
    await second.closed();
    await until(() => rig.gateway.openSockets(id) === 0, "counted out");
  });

  test("more than the bound of a session are 503", async () => {
    await switching();
    for (let i = 0; i < 3; i++) await connected();
    const client = await rig.client();
    client.write(handshake());
    expect((await client.response()).status).toBe(503);
  });

  test.each([
    ["hibernated", { kind: "asleep", level: "hibernated", visibility: "public" } as const],
    ["terminated", { kind: "missing" } as const],
    ["failed", { kind: "failed", code: "start_failed", message: "No." } as const],
  ])("of a session that is %s it is closed", async (_name, route) => {
    await switching();
    const client = await connected();
    rig.lookup.publish(id, route);
    await client.closed();
  });

  test("is kept while the lookup fails: uncertainty ends nothing", async () => {
    await switching((socket) => socket.pipe(socket));
    const client = await connected();
    rig.lookup.onResolve = async () => {
      throw new Error("database away");
    };
    rig.lookup.publish(id, { kind: "missing" });
    await until(() => rig.lookup.resolves.length >= 2, "asked");
    client.write("still here");
    expect((await client.take(10)).toString()).toBe("still here");
  });
});
