import { symlinkSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { SessionId } from "@velocity/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Rig, until } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
let id: SessionId;
beforeEach(async () => {
  rig = await Rig.start({ limits: { firstByteTimeoutMs: 300, handshakeTimeoutMs: 300 } });
  id = rig.id();
});
afterEach(() => rig.close());

/** A container that answers every request head with these bytes. */
async function answering(bytes: string, then: (socket: Socket) => void = () => {}): Promise<void> {
  const app = await rig.raw((socket) => {
    socket.on("data", () => {
      socket.write(Buffer.from(bytes, "latin1"));
      then(socket);
    });
  });
  rig.lookup.publish(id, live(app.endpoint));
}

describe("an answer that breaks HTTP is 502 upstream_invalid", () => {
  test.each([
    [
      "length and coding",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"],
    ["two equal lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabc"],
    ["a signed length", "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"],
    ["an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabc"],
    ["a huge length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nabc"],
    ["an unknown coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    [
      "two codings",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"],
    [
      "an unasked switch",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    ],
    ["no status line", "<html>hello</html>\r\n\r\n"],
    ["a bare newline", "HTTP/1.1 200 OK\nContent-Length: 3\n\nabc\r\n\r\n"],
    ["a newline in a value", "HTTP/1.1 200 OK\r\nA: b\nSet-Cookie: x=y\r\nContent-Length: 0\r\n\r\n"],
    ["a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n"],
    ["a space before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 3\r\n\r\nabc"],
    ["another version", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["an endless head", `HTTP/1.1 200 OK\r\n${`A: ${"x".repeat(1000)}\r\n`.repeat(100)}`],
    ["endless interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)],
  ])("%s", async (_name, bytes) => {
    await answering(bytes);
    const answer = await rig.get(id);
    expect(answer.status).toBe(502);
    expect(answer.header("x-velocity-error")).toBe("upstream_invalid");
    expect(JSON.parse(answer.text).code).toBe("upstream_invalid");
  });

  test("it closes without a word", async () => {
    await answering("", (socket) => socket.destroy());
    const answer = await rig.get(id);
    expect(answer.status).toBe(502);
    expect(answer.header("x-velocity-error")).toBe("upstream_invalid");
  });
});

describe("an answer that breaks off", () => {
  test.each([
    ["a short length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"],
    ["a short chunked body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"],
    ["a chunk broken off", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"],
  ])("%s aborts the client's connection, never ends it cleanly", async (_name, bytes) => {
    await answering(bytes, (socket) => socket.end());
    const client = await rig.client();
    client.write(`GET / HTTP/1.1\r\nHost: ${rig.host(id)}\r\n\r\n`);
    await expect(client.response()).rejects.toThrow();
    const { rest } = await client.closed();
    expect(rest.toString()).not.toMatch(/0\r\n\r\n$/);
  });

  test("towards HTTP/1.0, where only the end frames the body, it is a reset", async () => {
    await answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", (socket) =>
      setImmediate(() => socket.destroy()),
    );
    const client = await rig.client();
    client.write(`GET / HTTP/1.0\r\nHost: ${rig.host(id)}\r\n\r\n`);
    expect((await client.closed()).how).toBe("error");
  });
});

describe("silence", () => {
  test("a container that never answers is 504 upstream_timeout", async () => {
    await answering("");
    const answer = await rig.get(id);
    expect(answer.status).toBe(504);
    expect(answer.header("x-velocity-error")).toBe("upstream_timeout");
  });

  test("half a head is 504 too", async () => {
    await answering("HTTP/1.1 200 OK\r\nContent-");
    expect((await rig.get(id)).status).toBe(504);
  });

  test("a handshake that is never answered is 504", async () => {
    await answering("");
    const client = await rig.client();
    client.write(
      `GET / HTTP/1.1\r\nHost: ${rig.host(id)}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    expect((await client.response()).status).toBe(504);
    await client.closed();
  });

  test("once the head is there a silent body may last", async () => {
    await answering("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", (socket) => {
      setTimeout(() => socket.end("data: late\n\n"), 900);
    });
    expect((await rig.get(id)).text).toBe("data: late\n\n");
  });
});

describe("bytes that nobody asked for", () => {
  test("behind an answer they never become the next one", async () => {
    await answering(
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    );
    for (let i = 0; i < 3; i++) expect((await rig.get(id)).text).toBe("ok");
  });

  test("sent while the connection is idle they end it", async () => {
    const app = await rig.raw((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        setTimeout(() => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"), 20);
      });
    });
    rig.lookup.publish(id, live(app.endpoint));
    expect((await rig.get(id)).text).toBe("ok");
    await until(() => rig.gateway.stats().upstreamConnections === 0, "idle connection dropped");
    expect((await rig.get(id)).text).toBe("ok");
  });

  test("a body behind HEAD, 204 and 304 is not taken for the next answer", async () => {
    await answering("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc");
    const client = await rig.client();
    for (let i = 0; i < 2; i++) {
      client.write(`GET / HTTP/1.1\r\nHost: ${rig.host(id)}\r\n\r\n`);
      const answer = await client.response();
      expect(answer.status).toBe(204);
      expect(answer.header("content-length")).toBeUndefined();
    }
  });
});

describe("headers a container may not send", () => {
  test("Domain and platform cookies, our own headers, framing rules", async () => {
    await answering(
      [
        "HTTP/1.1 200 Fine",
        "Content-Length: 2",
        "Content-Type: text/html",
        "Set-Cookie: a=1; Path=/; Domain=velocity.localhost; HttpOnly",
        "set-cookie: __Host-velocity=stolen; Path=/; Secure",
        "Set-Cookie: =__Host-velocity=stolen",
        "Set-Cookie: domain=kept; domain=.velocity.localhost",
        "X-Velocity-Error: not_found",
        "X-Frame-Options: DENY",
        "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; img-src *",
        "Connection: keep-alive, X-Internal",
        "X-Internal: yes",
        'ETag: W/"x"',
        "\r\nok",
      ].join("\r\n"),
    );
    const answer = await rig.get(id);
    expect(answer.reason).toBe("Fine");
    const all = (name: string) =>
      answer.headers.filter(([known]) => known === name).map(([, value]) => value);
    expect(all("set-cookie")).toEqual(["a=1; Path=/; HttpOnly", "domain=kept"]);
    expect(all("x-velocity-error")).toEqual([]);
    expect(all("x-frame-options")).toEqual([]);
    expect(all("x-internal")).toEqual([]);
    expect(all("etag")).toEqual(['W/"x"']);
    expect(all("content-security-policy")).toEqual([
      "default-src 'self'; img-src *",
      "frame-ancestors 'self' http://velocity.localhost:4400",
    ]);
  });
});

describe("a socket folder the container can write in", () => {
  test("a symlink to another socket is not followed", async () => {
    const victim = await rig.app((_req, res) => res.end("other session's bytes"));
    if (victim.endpoint.kind !== "unix") throw new Error("not a Unix socket");
    const path = rig.socketPath();
    symlinkSync(victim.endpoint.path, path);
    rig.lookup.publish(id, live({ kind: "unix", path }));
    const answer = await rig.get(id);
    expect(answer.status).toBe(503);
    expect(answer.header("retry-after")).toBe("1");
  });

  test("a plain file is not dialled", async () => {
    const path = rig.socketPath();
    writeFileSync(path, "x");
    rig.lookup.publish(id, live({ kind: "unix", path }));
    const answer = await rig.get(id);
    expect(answer.status).toBe(503);
    expect(answer.text).not.toContain(path);
  });
});
