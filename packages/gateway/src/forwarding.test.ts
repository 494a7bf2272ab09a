import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage, type RequestListener } from "node:http";
import { createServer } from "node:net";
import type { SessionId } from "@velocity/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Rig, until } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
let id: SessionId;
beforeEach(async () => {
  rig = await Rig.start({ limits: { upstreamIdleMs: 300, lingerMs: 300 } });
  id = rig.id();
});
afterEach(() => rig.close());

async function serve(listener: RequestListener): Promise<void> {
  rig.lookup.publish(id, live((await rig.app(listener)).endpoint));
}
const head = (method = "GET", target = "/") => `${method} ${target} HTTP/1.1\r\nHost: ${rig.host(id)}\r\n`;

describe("answers", () => {
  test("HEAD keeps the length and has no body; 304 keeps its validators", async () => {
    await serve((req, res) => {
      if (req.url === "/304") res.writeHead(304, { etag: '"x"' }).end();
      else
        res
          .writeHead(200, { "content-length": "1234" })
          .end(req.method === "HEAD" ? undefined : "x".repeat(1234));
    });
    const client = await rig.client();
    client.write(`${head("HEAD")}\r\n`);
    expect((await client.response("HEAD")).header("content-length")).toBe("1234");
    client.write(`${head("GET", "/304")}\r\n`);
    const unchanged = await client.response();
    expect([unchanged.status, unchanged.header("etag")]).toEqual([304, '"x"']);
    client.write(`${head()}\r\n`);
    expect((await client.response()).body.length).toBe(1234);
  });

  test("chunked bodies keep their trailers", async () => {
    await serve((_req, res) => {
      res.writeHead(200, { trailer: "x-sum" });
      res.write("one");
      res.write("two");
      res.addTrailers({ "x-sum": "42", "x-velocity-forged": "1" });
      res.end();
    });
    const answer = await rig.get(id);
    expect(answer.text).toBe("onetwo");
    expect(answer.trailers).toEqual([["x-sum", "42"]]);
  });

  test("an answer framed by its end reaches an HTTP/1.1 and an HTTP/1.0 client whole", async () => {
    const app = await rig.raw((socket) => {
      socket.once("data", () => socket.end("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nall of it"));
    });
    rig.lookup.publish(id, live(app.endpoint));
    expect((await rig.get(id)).text).toBe("all of it");
    const old = await rig.client();
    old.write(`GET / HTTP/1.0\r\nHost: ${rig.host(id)}\r\n\r\n`);
    expect((await old.response()).text).toBe("all of it");
  });

  test("interim hints do not disturb the answer", async () => {
    await serve((_req, res) => {
      res.writeEarlyHints({ link: "</a.css>; rel=preload" });
      res.end("final");
    });
    expect((await rig.get(id)).text).toBe("final");
  });

  test("each piece is passed on when it comes: the head before any body, events one by one", async () => {
    let send: (text: string) => void = () => {};
    await serve((_req, res) => {
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.flushHeaders();
      send = (text) => res.write(text);
    });
    const outgoing = httpRequest({ port: rig.port, headers: { host: rig.host(id) }, agent: false });
    outgoing.end();
    const [res]: IncomingMessage[] = await once(outgoing, "response");
    if (res === undefined) throw new Error("no answer");
    for (const text of ["data: 1\n\n", "data: 2\n\n"]) {
      const piece = once(res, "data");
      send(text);
      expect(String((await piece)[0])).toBe(text);
    }
    res.on("error", () => {});
    outgoing.destroy();
  });

  test("an app may answer 421, 404 and 503 itself", async () => {
    await serve((req, res) => res.writeHead(Number(req.url?.slice(1)), { "x-app": "yes" }).end("app's own"));
    for (const status of [421, 404, 503]) {
      const answer = await rig.get(id, `/${status}`);
      expect([answer.status, answer.text, answer.header("x-velocity-error")]).toEqual([
        status,
        "app's own",
        undefined,
      ]);
    }
  });
});

describe("requests with a body", () => {
  test("length and chunked bodies arrive whole, with trailers", async () => {
    await serve(async (req, res) => {
      const pieces: Buffer[] = [];
      for await (const piece of req) pieces.push(piece as Buffer);
      res.end(
        JSON.stringify({
          body: Buffer.concat(pieces).toString(),
          te: req.headers["transfer-encoding"],
          trailers: req.rawTrailers,
        }),
      );
    });
    const client = await rig.client();
    client.write(`${head("POST")}Content-Length: 5\r\n\r\nhello`);
    expect(JSON.parse((await client.response()).text)).toEqual({ body: "hello", trailers: [] });
    client.write(
      `${head("PUT")}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 6\r\nHost: evil\r\n\r\n`,
    );
    expect(JSON.parse((await client.response()).text)).toEqual({
      body: "hello!",
      te: "chunked",
      trailers: ["X-Sum", "6"],
    });
  });

  test("Expect: 100-continue is answered by the app's own consent", async () => {
    await serve((req, res) => {
      req.resume();
      req.on("end", () => res.end("got it"));
    });
    const client = await rig.client();
    client.write(`${head("POST")}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n`);
    expect((await client.interim()).status).toBe(100);
    client.write("hello");
    expect((await client.response()).text).toBe("got it");
  });

  test("Expect: 100-continue to the fallback is answered", async () => {
    await rig.close();
    rig = await Rig.start({
      fallback: { request: (req, res) => req.resume().on("end", () => res.end("api")) },
    });
    const client = await rig.client();
    client.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    expect((await client.interim()).status).toBe(100);
    client.write("hi");
    expect((await client.response()).text).toBe("api");
  });

  test("Expect: 100-continue may be refused without the body", async () => {
    const app = await rig.raw((socket) => {
      socket.once("data", () => socket.write("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"));
    });
    rig.lookup.publish(id, live(app.endpoint));
    const client = await rig.client();
    client.write(`${head("POST")}Content-Length: 500000\r\nExpect: 100-continue\r\n\r\n`);
    expect((await client.response()).status).toBe(413);
    await client.closed();
  });

  test("an early answer reaches a client that is still uploading, and the upload then ends", async () => {
    const app = await rig.raw((socket) => {
      socket.once("data", () => socket.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"));
    });
    rig.lookup.publish(id, live(app.endpoint));
    const client = await rig.client();
    client.write(`${head("POST")}Content-Length: 100000000\r\n\r\n${"x".repeat(1000)}`);
    expect((await client.response()).status).toBe(401);
    await client.closed();
    await until(() => rig.gateway.stats().upstreamConnections === 0, "upload ended upstream");
  });
});

/** True once a count above zero has stayed the same for a while: nothing flows any more. */
function unchanged(count: () => number): () => boolean {
  let last = -1;
  let looks = 0;
  return () => {
    looks = count() === last ? looks + 1 : 0;
    last = count();
    return last > 0 && looks >= 30;
  };
}

describe("backpressure", () => {
  test("a client that does not read stops the app, and memory stays bounded", async () => {
    const total = 200 * 1024 * 1024;
    const piece = randomBytes(64 * 1024);
    let sent = 0;
    await serve((_req, res) => {
      res.writeHead(200, { "content-length": String(total) });
      const more = () => {
        while (sent < total) {
          sent += piece.length;
          if (!res.write(piece)) {
            res.once("drain", more);
            return;
          }
        }
        res.end();
      };
      more();
    });
    const outgoing = httpRequest({ port: rig.port, headers: { host: rig.host(id) }, agent: false });
    outgoing.end();
    const [res]: IncomingMessage[] = await once(outgoing, "response");
    if (res === undefined) throw new Error("no answer");
    await until(
      unchanged(() => sent),
      "the app stopped sending",
    );
    expect(sent).toBeLessThan(20 * 1024 * 1024);
    let read = 0;
    res.on("data", (chunk: Buffer) => {
      read += chunk.length;
    });
    await once(res, "end");
    expect(read).toBe(total);
  });

  test("an app that does not read stops the client", async () => {
    const total = 100 * 1024 * 1024;
    let release = () => {};
    const app = await rig.raw((socket) => {
      socket.pause();
      release = () => {
        let got = 0;
        socket.on("data", (chunk: Buffer) => {
          got += chunk.length;
          if (got >= total) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        });
        socket.resume();
      };
    });
    rig.lookup.publish(id, live(app.endpoint));
    const outgoing = httpRequest({
      port: rig.port,
      method: "POST",
      headers: { host: rig.host(id), "content-length": String(total) },
      agent: false,
    });
    const piece = randomBytes(64 * 1024);
    let sent = 0;
    const more = () => {
      while (sent < total) {
        sent += piece.length;
        if (!outgoing.write(piece)) {
          outgoing.once("drain", more);
          return;
        }
      }
      outgoing.end();
    };
    more();
    await until(
      unchanged(() => sent),
      "the client stopped sending",
    );
    expect(sent).toBeLessThan(30 * 1024 * 1024);
    release();
    const [res]: IncomingMessage[] = await once(outgoing, "response");
    expect(res?.statusCode).toBe(200);
    res?.resume();
  });
});

describe("who leaves", () => {
  test("a client that leaves ends the request at the app", async () => {
    const arrived = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    await serve((_req, res) => {
      arrived.resolve();
      res.on("close", closed.resolve);
    });
    const client = await rig.client();
    client.write(`${head()}\r\n`);
    await arrived.promise;
    client.destroy();
    await closed.promise;
    await until(() => rig.gateway.stats().upstreamConnections === 0, "connection dropped");
  });

  test("a GET whose reused connection died before any byte is asked once more; a POST never meets one", async () => {
    let connections = 0;
    const app = await rig.raw((socket) => {
      connections += 1;
      let served = 0;
      socket.on("data", () => {
        served += 1;
        if (served === 1) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        else socket.destroy();
      });
    });
    rig.lookup.publish(id, live(app.endpoint));
    const client = await rig.client();
    for (const method of ["GET", "GET", "POST", "POST", "GET"]) {
      client.write(`${head(method)}Content-Length: 0\r\n\r\n`);
      expect((await client.response()).status).toBe(200);
    }
    expect(connections).toBeGreaterThanOrEqual(3);
  });

  test("a GET that was never answered, or answered wrongly, is not sent twice", async () => {
    await rig.close();
    rig = await Rig.start({ limits: { firstByteTimeoutMs: 200 } });
    for (const [answer, status] of [
      ["", 504],
      ["nonsense\r\n\r\n", 502],
    ] as const) {
      id = rig.id();
      let requests = 0;
      const app = await rig.raw((socket) => {
        socket.on("data", () => {
          requests += 1;
          if (answer !== "") socket.write(answer);
        });
      });
      rig.lookup.publish(id, live(app.endpoint));
      // The first request fills the cache on the long way, the second goes by the short one.
      for (const expected of [1, 2]) {
        expect((await rig.get(id)).status).toBe(status);
        expect(requests).toBe(expected);
      }
    }
  });

  test("a client that half-closes behind its request gets its answer", async () => {
    await serve((_req, res) => setTimeout(() => res.end("late"), 50));
    await rig.get(id);
    const client = await rig.client();
    client.write(`${head()}\r\n`);
    client.socket.end();
    expect((await client.response()).text).toBe("late");
    expect((await client.closed()).how).toBe("end");
  });

  test("one connection may ask for many sessions, the web, and bodies, in turn", async () => {
    await serve((_req, res) => res.end("first"));
    const other = rig.id();
    rig.lookup.publish(other, live((await rig.app((_req, res) => res.end("second"))).endpoint));
    await rig.get(id);
    await rig.get(other);
    const client = await rig.client();
    const ask = async (bytes: string) => {
      client.write(bytes);
      return (await client.response()).text;
    };
    for (let round = 0; round < 2; round++) {
      expect(await ask(`${head()}\r\n`)).toBe("first");
      expect(await ask(`GET / HTTP/1.1\r\nHost: ${rig.host(other)}\r\n\r\n`)).toBe("second");
      expect(await ask(`${head("POST")}Content-Length: 1\r\n\r\nx`)).toBe("first");
      expect(await ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")).toBe("fallback");
    }
  });

  test("a client that asks on and on and never reads is stopped", async () => {
    let requests = 0;
    await serve((_req, res) => {
      requests += 1;
      res.end(Buffer.alloc(64 * 1024));
    });
    await rig.get(id);
    const client = await rig.client();
    client.socket.pause();
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < 5000 && !client.socket.destroyed) client.write(`${head()}\r\n`);
      sent += 1;
    }, 1);
    rig.onClose(() => clearInterval(timer));
    await until(() => sent > 100, "asked");
    await until(
      unchanged(() => requests),
      "the app is asked no more",
    );
    expect(requests * 64 * 1024).toBeLessThan(20 * 1024 * 1024);
  });

  test("a request whose bytes were sent is not sent twice", async () => {
    let requests = 0;
    const app = await rig.raw((socket) => {
      socket.once("data", () => {
        requests += 1;
        socket.destroy();
      });
    });
    rig.lookup.publish(id, live(app.endpoint));
    const client = await rig.client();
    client.write(`${head("POST")}Content-Length: 2\r\n\r\nhi`);
    expect((await client.response()).status).toBe(502);
    expect(requests).toBe(1);
  });

  test("a socket that nobody serves any more makes the gateway ask again, once", async () => {
    const path = rig.socketPath();
    const fresh = await rig.app((_req, res) => res.end("new container"));
    rig.lookup.publish(id, live({ kind: "unix", path }));
    expect((await rig.get(id)).status).toBe(503);
    rig.lookup.set(id, live(fresh.endpoint, { generation: 2 }));
    expect((await rig.get(id)).text).toBe("new container");
  });

  test("the same for an upload, which then arrives whole", async () => {
    const fresh = await rig.app(async (req, res) => {
      let length = 0;
      for await (const piece of req) length += (piece as Buffer).length;
      res.end(String(length));
    });
    const stale = await rig.raw(() => {});
    stale.server.close();
    rig.lookup.publish(id, live(stale.endpoint));
    rig.lookup.onResolve = async () => rig.lookup.set(id, live(fresh.endpoint, { generation: 2 }));
    await rig.get(id, "/");
    rig.lookup.set(id, live(fresh.endpoint, { generation: 2 }));
    const client = await rig.client();
    client.write(`${head("POST")}Content-Length: 300000\r\n\r\n${"x".repeat(300_000)}`);
    expect((await client.response()).text).toBe("300000");
  });

  test("a TCP port that refuses is answered 503 and stays cached", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    server.close();
    await once(server, "close");
    rig.lookup.publish(id, live({ kind: "tcp", host: "127.0.0.1", port: address.port }));
    for (let i = 0; i < 3; i++) {
      const answer = await rig.get(id);
      expect([answer.status, answer.header("retry-after")]).toEqual([503, "1"]);
    }
    expect(rig.lookup.resolves.length).toBe(1);
  });
});
