import { mkdtemp, rm, stat } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { decideEgress, parseHostPort } from "./egress-policy.ts";
import { createEgressProxy, type EgressProxyOptions } from "./egress-proxy.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen({ host: "127.0.0.1", port: 0 }, () => done()));
  cleanups.push(() => new Promise<void>((done) => server.close(() => done())));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function startProxy(options: Partial<EgressProxyOptions>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "velocity-egress-"));
  const socketPath = join(folder, "egress.sock");
  const proxy = await createEgressProxy({
    socketPath,
    gid: null,
    policy: "registry",
    settings: async () => ({ allowedHosts: [], upstream: null }),
    ...options,
  });
  cleanups.push(
    () => rm(folder, { recursive: true }),
    () => proxy.close(),
  );
  return socketPath;
}

function tunnel(socketPath: string, target: string): Promise<{ status: number; socket: Socket }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method: "CONNECT", path: target, agent: false });
    sent.once("connect", (response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      cleanups.push(async () => socket.destroy());
      resolve({ status: response.statusCode ?? 0, socket: socket as Socket });
    });
    sent.once("error", reject);
    sent.end();
  });
}

const echo = () =>
  createTcpServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });

test("a tunnel to an allowed host carries bytes both ways", async () => {
  const port = await listening(echo());
  const socketPath = await startProxy({
    settings: async () => ({ allowedHosts: [{ host: "registry.test", port }], upstream: null }),
    resolve: async () => ["127.0.0.1"],
  });
  const { status, socket } = await tunnel(socketPath, `registry.test:${port}`);
  expect(status).toBe(200);
  const back = new Promise<string>((done) => socket.once("data", (chunk) => done(String(chunk))));
  socket.write("hello");
  expect(await back).toBe("hello");
  expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
});

test("a name that resolves to a private address is refused although the policy is full", async () => {
  const asked: string[] = [];
  const refused: string[] = [];
  const port = await listening(echo());
  const socketPath = await startProxy({
    policy: "full",
    resolve: async (host) => {
      asked.push(host);
      return host === "mixed.test" ? ["10.0.0.1", "::1"] : ["127.0.0.1"];
    },
    onRefused: (target) => refused.push(target),
  });
  for (const host of ["rebind.test", "mixed.test"])
    expect((await tunnel(socketPath, `${host}:${port}`)).status).toBe(403);
  expect(asked).toEqual(["rebind.test", "mixed.test"]);
  expect(refused).toHaveLength(2);
});

test("each connection resolves its name once, so that no second answer can differ from the checked one", async () => {
  let asked = 0;
  const port = await listening(echo());
  const socketPath = await startProxy({
    settings: async () => ({ allowedHosts: [{ host: "one.test", port }], upstream: null }),
    resolve: async () => {
      asked++;
      return ["127.0.0.1"];
    },
  });
  expect((await tunnel(socketPath, `one.test:${port}`)).status).toBe(200);
  expect(asked).toBe(1);
});

test("plain http requests are forwarded without the headers that concern the connection", async () => {
  const seen: NodeJS.Dict<string | string[]>[] = [];
  const port = await listening(
    createServer((incoming, response) => {
      seen.push(incoming.headers);
      response.writeHead(201, { "x-answer": "yes" }).end(incoming.url);
    }),
  );
  const socketPath = await startProxy({
    settings: async () => ({ allowedHosts: [{ host: "127.0.0.1", port }], upstream: null }),
  });
  const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { "proxy-authorization": "Basic x", "x-kept": "1", host: `127.0.0.1:${port}` };
    const path = `http://127.0.0.1:${port}/a?b=1`;
    const sent = request({ socketPath, path, headers, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += String(chunk);
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.once("error", reject);
    sent.end();
  });
  expect(answer).toEqual({ status: 201, body: "/a?b=1" });
  expect(seen[0]?.["x-kept"]).toBe("1");
  expect(seen[0]?.["proxy-authorization"]).toBeUndefined();
});

test("where the machine itself needs a proxy, tunnels go through it with its login", async () => {
  const heads: string[] = [];
  const upstreamPort = await listening(
    createTcpServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.once("data", (chunk) => {
        heads.push(String(chunk));
        socket.write("HTTP/1.1 200 OK\r\n\r\nfirst");
      });
    }),
  );
  const socketPath = await startProxy({
    settings: async () => ({
      allowedHosts: [{ host: "registry.test", port: 443 }],
      upstream: { url: `http://me:secret@127.0.0.1:${upstreamPort}`, except: [] },
    }),
  });
  const { status, socket } = await tunnel(socketPath, "registry.test:443");
  expect(status).toBe(200);
  expect(await new Promise((done) => socket.once("data", (chunk) => done(String(chunk))))).toBe("first");
  expect(heads[0]).toContain("CONNECT registry.test:443 HTTP/1.1");
  expect(heads[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from("me:secret").toString("base64")}`);
});

test("closing ends tunnels that are open", async () => {
  const port = await listening(echo());
  const folder = await mkdtemp(join(tmpdir(), "velocity-egress-"));
  cleanups.push(() => rm(folder, { recursive: true }));
  const socketPath = join(folder, "e.sock");
  const proxy = await createEgressProxy({
    socketPath,
    gid: null,
    policy: "registry",
    settings: async () => ({ allowedHosts: [{ host: "127.0.0.1", port }], upstream: null }),
  });
  const { socket } = await tunnel(socketPath, `127.0.0.1:${port}`);
  const closed = new Promise<void>((done) => socket.once("close", () => done()));
  socket.on("error", () => undefined);
  await proxy.close();
  await closed;
  const refused = await new Promise<string>((done) => {
    connect(socketPath).once("error", (error) => done(error.message));
  });
  expect(refused).toContain("ENOENT");
});

test("the policy allows exactly what it says", () => {
  const settings = { allowedHosts: [{ host: "r.test", port: 443 }], upstream: null };
  const decide = (policy: "none" | "registry" | "full", host: string, port: number) =>
    decideEgress(policy, settings, { host, port }).kind;
  expect(decide("none", "r.test", 443)).toBe("refuse");
  expect(decide("registry", "r.test", 443)).toBe("allow");
  expect(decide("registry", "r.test", 80)).toBe("refuse");
  expect(decide("registry", "x.r.test", 443)).toBe("refuse");
  expect(decide("full", "x.test", 22)).toBe("allow");
});

test("names that the operator excepts from the proxy are reached directly", () => {
  const upstream = { url: "http://proxy.test", except: ["inner.test", ".corp.test", "one.test:8080"] };
  const via = (host: string, port = 443) => {
    const decision = decideEgress("full", { allowedHosts: [], upstream }, { host, port });
    return decision.kind === "allow" && decision.viaUpstream;
  };
  expect(via("outer.test")).toBe(true);
  expect(via("inner.test")).toBe(false);
  expect(via("a.corp.test")).toBe(false);
  expect(via("one.test", 8080)).toBe(false);
  expect(via("one.test")).toBe(true);
});

test("targets are parsed strictly", () => {
  expect(parseHostPort("Host.Test.:443", null)).toEqual({ host: "host.test", port: 443 });
  expect(parseHostPort("[::1]:80", null)).toEqual({ host: "::1", port: 80 });
  for (const bad of ["host", "host:0", "host:65536", "a b:80", "user@host:80", "[x]:80", "host:80/x", ":80"])
    expect(parseHostPort(bad, null), bad).toBeNull();
});
