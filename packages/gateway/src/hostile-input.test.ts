import { once } from "node:events";
import type { SessionId } from "@velocity/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DOMAIN, Rig } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
let id: SessionId;
let reached = 0;
beforeAll(async () => {
  rig = await Rig.start({
    limits: { maxHeaderLines: 50, headersTimeoutMs: 300, bodyIdleMs: 300, lingerMs: 200 },
  });
  id = rig.id();
  const app = await rig.app((req, res) => {
    reached += 1;
    req.resume();
    req.on("end", () => res.end(JSON.stringify({ url: req.url, raw: req.rawHeaders })));
  });
  rig.lookup.publish(id, live(app.endpoint));
});
afterAll(() => rig.close());

const host = () => `Host: ${rig.host(id)}`;

/** Sends bytes, expects one answer with this status and then the end of the connection, and nothing at the app. */
async function refused(bytes: string, status: number): Promise<void> {
  const before = reached;
  const client = await rig.client();
  client.write(bytes);
  const answer = await client.response();
  expect(answer.status).toBe(status);
  await client.closed();
  expect(reached).toBe(before);
}

describe.each(["preview", "fallback"])("what Node lets through is refused, on a %s host", (kind) => {
  const line = () => (kind === "preview" ? host() : `Host: ${DOMAIN}`);
  test("two Host lines", () => refused(`GET / HTTP/1.1\r\n${line()}\r\nHost: evil.example\r\n\r\n`, 400));
  test("two equal Host lines", () => refused(`GET / HTTP/1.1\r\n${line()}\r\n${line()}\r\n\r\n`, 400));
  test("no Host", () => refused("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n", 400));
  test("no Host in HTTP/1.0", () => refused("GET / HTTP/1.0\r\n\r\n", 400));
  test("an absolute target of another host", () =>
    refused(`GET http://evil.example/ HTTP/1.1\r\n${line()}\r\n\r\n`, 400));
  test("a target that is neither path nor URL", () => refused(`GET evil HTTP/1.1\r\n${line()}\r\n\r\n`, 400));
  test("HTTP/1.0 with Transfer-Encoding", () =>
    refused(`POST / HTTP/1.0\r\n${line()}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400));
  test("a coding before chunked", () =>
    refused(`POST / HTTP/1.1\r\n${line()}\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400));
  test("more header lines than allowed", () =>
    refused(`GET / HTTP/1.1\r\n${line()}\r\n${"A: b\r\n".repeat(60)}\r\n`, 431));
  test("a hidden second Host behind too many lines", () =>
    refused(`GET / HTTP/1.1\r\n${line()}\r\n${"A: b\r\n".repeat(300)}Host: evil.example\r\n\r\n`, 431));
  test("TRACE", () => refused(`TRACE / HTTP/1.1\r\n${line()}\r\n\r\n`, 405));
  test("CONNECT", () => refused(`CONNECT evil.example:443 HTTP/1.1\r\n${line()}\r\n\r\n`, 405));
  const ws =
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  test("an upgrade by POST", () =>
    refused(`POST / HTTP/1.1\r\n${line()}\r\n${ws}Content-Length: 0\r\n\r\n`, 400));
  test("an upgrade with a body", () =>
    refused(`GET / HTTP/1.1\r\n${line()}\r\n${ws}Content-Length: 4\r\n\r\nabcd`, 400));
  test("an upgrade without key", () =>
    refused(`GET / HTTP/1.1\r\n${line()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`, 400));
  test("an upgrade to h2c", () =>
    refused(
      `GET / HTTP/1.1\r\n${line()}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n`,
      400,
    ));
  test("an upgrade in HTTP/1.0", () => refused(`GET / HTTP/1.0\r\n${line()}\r\n${ws}\r\n`, 400));
  test.each(["", " ", "a b", "a@b", "a/b", "..", "a..b", "[::1", "a:99999", "a:b", "a,b", "\x7f", "é"])(
    "Host %j",
    (value) => refused(`GET / HTTP/1.1\r\nHost: ${value}\r\n\r\n`, 400),
  );
});

describe("what Node refuses stays refused", () => {
  test.each([
    ["length and coding", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["two lengths", "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"],
    ["a signed length", "Content-Length: +3\r\n\r\nabc"],
    ["a list of lengths", "Content-Length: 3, 3\r\n\r\nabc"],
    ["a space before the colon", "Content-Length : 3\r\n\r\nabc"],
    ["a folded line", "A: b\r\n c\r\nContent-Length: 0\r\n\r\n"],
    ["a bare newline", "A: b\nContent-Length: 0\r\n\r\n"],
    ["a NUL", "A: b\0c\r\n\r\n"],
    ["a coding with a trick in it", "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"],
    ["a vertical tab in the coding", "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n"],
  ])("%s", (_name, rest) => refused(`POST / HTTP/1.1\r\n${host()}\r\n${rest}`, 400));

  test.each(["xyz\r\n", "-1\r\n", "0x3\r\nabc\r\n", "3\r\nabcd\r\n", "3\nabc\r\n"])(
    "bad chunk %j ends the connection without an answer of the app",
    async (chunk) => {
      const client = await rig.client();
      client.write(`POST / HTTP/1.1\r\n${host()}\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`);
      const { rest } = await client.closed();
      expect(rest.toString("latin1")).not.toMatch(/^HTTP\/1\.1 2/);
    },
  );

  test("a long header is 431", () =>
    refused(`GET / HTTP/1.1\r\n${host()}\r\nA: ${"x".repeat(40_000)}\r\n\r\n`, 431));

  test("a slow head is 408", async () => {
    const client = await rig.client();
    client.write(`GET / HTTP/1.1\r\n${host()}\r\nA:`);
    expect((await client.response()).status).toBe(408);
  });

  test("a body that stops coming ends the connection", async () => {
    const client = await rig.client();
    client.write(`POST / HTTP/1.1\r\n${host()}\r\nContent-Length: 10\r\n\r\nabc`);
    await client.closed();
  });
});

describe("what is forwarded", () => {
  test.each([
    "//evil.example/x",
    "/\\evil",
    "/%2e%2e/a",
    "/a/../b",
    "/?a=//b#c",
    "/%00",
    "/;a=b",
    "/[x]{y}|z^`",
  ])("target %j arrives byte for byte", async (target) => {
    const answer = await rig.get(id, target);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.text).url).toBe(target);
  });

  test("an absolute target of the same host becomes a path", async () => {
    const answer = await rig.get(id, `http://${rig.host(id)}//a?b`);
    expect(JSON.parse(answer.text).url).toBe("//a?b");
  });

  test("forged headers of ours and of proxies are replaced, others keep order and case", async () => {
    const client = await rig.client();
    client.write(
      [
        "GET / HTTP/1.1",
        host(),
        "X-Velocity-Probe: 1 forged",
        "x-velocity-Session: forged",
        "X-Forwarded-For: 6.6.6.6",
        "X-FORWARDED-HOST: evil.example",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 1",
        "Forwarded: for=6.6.6.6",
        "X-Real-IP: 6.6.6.6",
        "Connection: X-Forwarded-For, X-Hop, Host, Cookie, close",
        "X-Hop: secret",
        "Proxy-Authorization: Basic x",
        "TE: trailers",
        "Cookie: a=1; __Host-velocity=ticket; velocity_session=x; b=2",
        "X-CasE: Kept",
        "\r\n",
      ].join("\r\n"),
    );
    const raw: string[] = JSON.parse((await client.response()).text).raw;
    const lines: string[] = [];
    for (let i = 0; i < raw.length; i += 2) lines.push(`${raw[i]}: ${raw[i + 1]}`);
    expect(lines).toEqual([
      host(),
      "Cookie: a=1; b=2",
      "X-CasE: Kept",
      "X-Forwarded-For: 127.0.0.1",
      `X-Forwarded-Host: ${rig.host(id)}`,
      "X-Forwarded-Proto: http",
      "Connection: keep-alive",
    ]);
  });
});

describe("pipelining", () => {
  test("requests sent at once are answered in their order", async () => {
    const client = await rig.client();
    const count = 100;
    let bytes = "";
    for (let i = 0; i < count; i++) bytes += `GET /${i} HTTP/1.1\r\n${host()}\r\n\r\n`;
    client.write(bytes);
    for (let i = 0; i < count; i++) expect(JSON.parse((await client.response()).text).url).toBe(`/${i}`);
  });

  test("a request behind a refused one is never served", () =>
    refused(
      `GET / HTTP/1.1\r\n${host()}\r\nHost: x\r\n\r\nGET /smuggled HTTP/1.1\r\n${host()}\r\n\r\n`,
      400,
    ));

  test("a switch of protocols behind an unanswered request ends the connection", async () => {
    const client = await rig.client();
    client.write(
      `GET / HTTP/1.1\r\n${host()}\r\n\r\nGET /ws HTTP/1.1\r\n${host()}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    await client.closed();
  });
});

describe("names of other people", () => {
  test("a foreign name pointed at this machine does not reach the fallback", async () => {
    const strict = await Rig.start({ hosts: ["preview.example.com"] });
    try {
      const client = await strict.client();
      const ask = async (name: string) => {
        client.write(`GET /api/sessions HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
        return (await client.response()).status;
      };
      expect(await ask("evil.example")).toBe(404);
      expect(await ask("preview.example.com:443")).toBe(200);
      expect(await ask("127.0.0.1:4400")).toBe(200);
      expect(await ask("[::1]:4400")).toBe(200);
      expect(await ask(DOMAIN)).toBe(200);
    } finally {
      await strict.close();
    }
  });
});

test("a client that closes at once leaves the server listening", async () => {
  const client = await rig.client();
  client.write(`GET / HTTP/1.1\r\n${host()}\r\n`);
  client.socket.resetAndDestroy();
  await once(client.socket, "close");
  expect((await rig.get(id)).status).toBe(200);
});
