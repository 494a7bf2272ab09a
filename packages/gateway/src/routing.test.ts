import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DOMAIN, Rig, until } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start();
});
afterEach(() => rig.close());

describe("routing", () => {
  test("a session's host reaches its own app, with Host, Origin and path untouched", async () => {
    const id = rig.id();
    const { endpoint } = await rig.app((req, res) => {
      res.end(JSON.stringify({ url: req.url, host: req.headers.host, origin: req.headers.origin }));
    });
    rig.lookup.publish(id, live(endpoint));
    const answer = await rig.get(id, "/src/main.jsx?t=1&x=%2F..", { Origin: "http://elsewhere.example" });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text)).toEqual({
      url: "/src/main.jsx?t=1&x=%2F..",
      host: rig.host(id),
      origin: "http://elsewhere.example",
    });
  });

  test("upper case and a trailing dot are the same host", async () => {
    const id = rig.id();
    const { endpoint } = await rig.app((_req, res) => res.end("app"));
    rig.lookup.publish(id, live(endpoint));
    const client = await rig.client();
    client.write(`GET / HTTP/1.1\r\nHost: ${id.toUpperCase()}.${DOMAIN.toUpperCase()}.\r\n\r\n`);
    expect((await client.response()).text).toBe("app");
  });

  test("a further port has its own host", async () => {
    const id = rig.id();
    const app = await rig.app((_req, res) => res.end("app"));
    const other = await rig.app((_req, res) => res.end("port 3001"));
    rig.lookup.publish(id, live(app.endpoint, { ports: { 3001: other.endpoint } }));
    const client = await rig.client();
    client.write(`GET / HTTP/1.1\r\nHost: ${rig.host(id, 3001)}\r\n\r\n`);
    expect((await client.response()).text).toBe("port 3001");
  });

  test("every other host reaches the fallback", async () => {
    const client = await rig.client();
    for (const host of [DOMAIN, "127.0.0.1:1", "localhost", "[::1]:4400", `x${DOMAIN}`]) {
      client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect((await client.response()).text).toBe("fallback");
    }
  });

  test("missing, malformed and private previews get one identical 404 and wake nothing", async () => {
    const secret = rig.id();
    rig.lookup.publish(secret, { kind: "asleep", level: "frozen", visibility: "private" });
    const hosts = [
      rig.host(rig.id()),
      `nope.${DOMAIN}`,
      `a.${secret}.${DOMAIN}`,
      rig.host(secret),
      `${secret}--0.${DOMAIN}`,
    ];
    const seen = new Set<string>();
    for (const host of hosts) {
      const client = await rig.client();
      client.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\n\r\n`);
      const answer = await client.response();
      const shape = answer.headers
        .filter(([name]) => name !== "date")
        .map(([name, value]) => `${name}: ${value}`);
      seen.add(`${answer.status}\n${shape.join("\n")}\n${answer.text.replace(/[0-9a-f-]{36}/g, "ID")}`);
    }
    expect(seen.size).toBe(1);
    expect([...seen][0]).toMatch(/^404\n/);
    expect(rig.lookup.wakes).toEqual([]);
  });

  test("a cached route costs no lookup; a notification makes the next request ask again", async () => {
    const id = rig.id();
    const first = await rig.app((_req, res) => res.end("one"));
    const second = await rig.app((_req, res) => res.end("two"));
    rig.lookup.publish(id, live(first.endpoint));
    for (let i = 0; i < 5; i++) expect((await rig.get(id)).text).toBe("one");
    expect(rig.lookup.resolves.length).toBe(1);
    rig.lookup.publish(id, live(second.endpoint, { generation: 2 }));
    expect((await rig.get(id)).text).toBe("two");
  });

  test("use of the page counts, an icon or a prefetch alone does not", async () => {
    const id = rig.id();
    const { endpoint } = await rig.app((_req, res) => res.end("app"));
    rig.lookup.publish(id, live(endpoint));
    for (let i = 0; i < 2; i++) {
      await rig.get(id, "/favicon.ico");
      await rig.get(id, "/", { "Sec-Purpose": "prefetch" });
    }
    expect(rig.lookup.touches).toEqual([]);
    for (let i = 0; i < 5; i++) await rig.get(id, "/src/main.jsx");
    expect(new Set(rig.lookup.touches)).toEqual(new Set([id]));
  });

  test("a WebSocket is spliced with its subprotocol, counted, and kept while frozen", async () => {
    const id = rig.id();
    const { endpoint, server } = await rig.app((_req, res) => res.end());
    server.on("upgrade", (req, socket) => {
      const accept = createHash("sha1")
        .update(`${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      socket.on("error", () => {});
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${req.headers["sec-websocket-protocol"]}\r\n\r\nhello`,
      );
      socket.pipe(socket);
    });
    rig.lookup.publish(id, live(endpoint));
    const client = await rig.client();
    client.write(
      `GET /?token=x HTTP/1.1\r\nHost: ${rig.host(id)}\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: vite-hmr\r\n\r\n`,
    );
    const answer = await client.response();
    expect(answer.status).toBe(101);
    expect(answer.header("sec-websocket-accept")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    expect(answer.header("sec-websocket-protocol")).toBe("vite-hmr");
    expect((await client.take(5)).toString()).toBe("hello");
    client.write("ping");
    expect((await client.take(4)).toString()).toBe("ping");
    expect(rig.gateway.openSockets(id)).toBe(1);
    expect(rig.lookup.touches).toEqual([]);

    rig.lookup.publish(id, { kind: "asleep", level: "frozen", visibility: "public" });
    rig.lookup.publish(id, live(endpoint));
    await until(() => rig.lookup.resolves.length >= 2, "the gateway asked again");
    client.write("more");
    expect((await client.take(4)).toString()).toBe("more");

    rig.lookup.publish(id, live(endpoint, { generation: 2 }));
    await client.closed();
    await until(() => rig.gateway.openSockets(id) === 0, "socket counted out");
  });
});
