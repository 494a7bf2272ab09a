import { createHash } from "node:crypto";
import type { Server } from "node:http";
import { Agent, get } from "node:http";
import type { Endpoint, SessionId } from "@velocity/contract";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Rig, until } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.start({ limits: { maxUpstreamConnections: 4, upstreamIdleMs: 200 } });
});
afterEach(() => rig.close());

interface Backend {
  readonly endpoint: Endpoint;
  readonly server: Server;
}

/** A container that signs every answer with who it is, in every way an answer can be framed. */
function backend(name: string, path?: string): Promise<Backend> {
  return rig.app((req, res) => {
    const how = Number(req.url?.slice(1)) % 4;
    const body = `${name} `.repeat(1 + ((how * 997) % 3000));
    if (how === 0) res.writeHead(200, { "content-length": Buffer.byteLength(body) }).end(body);
    else if (how === 1) {
      res.write(body);
      setImmediate(() => res.end());
    } else if (how === 2) res.writeHead(200, { connection: "close" }).end(body);
    else setTimeout(() => res.end(body), 1);
  }, path);
}

/** The body; null where the gateway itself answered that nobody was there at that moment. */
function ask(agent: Agent, id: SessionId, target: string): Promise<string | null> {
  return new Promise((resolve, reject) => {
    get({ port: rig.port, path: target, headers: { host: rig.host(id) }, agent }, (res) => {
      let text = "";
      res.setEncoding("latin1");
      res.on("data", (piece: string) => {
        text += piece;
      });
      res.on("end", () => {
        if (res.headers["x-velocity-error"] === undefined) resolve(text);
        else if (res.statusCode === 502 || res.statusCode === 503) resolve(null);
        else reject(new Error(`answered ${res.statusCode}`));
      });
      res.on("error", reject);
    }).on("error", reject);
  });
}

test("no byte of one session or of an older generation ever reaches another, whatever happens at once", async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          {
            weight: 12,
            arbitrary: fc.record({ kind: fc.constant("ask" as const), session: fc.nat(3), how: fc.nat(3) }),
          },
          { weight: 2, arbitrary: fc.record({ kind: fc.constant("replace" as const), session: fc.nat(3) }) },
          { weight: 1, arbitrary: fc.record({ kind: fc.constant("pause" as const) }) },
        ),
        { minLength: 20, maxLength: 120 },
      ),
      async (steps) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 8 });
        const ids = Array.from({ length: 4 }, () => rig.id());
        const generations = [1, 1, 1, 1];
        // All generations of a session live at the same path: the address alone must never decide.
        const paths = ids.map(() => rig.socketPath());
        const current: Backend[] = [];
        for (const [n, id] of ids.entries()) {
          const made = await backend(`s${n}g1`, paths[n]);
          current.push(made);
          rig.lookup.publish(id, live(made.endpoint));
        }
        const answers: Promise<void>[] = [];
        for (const step of steps) {
          if (step.kind === "pause") await new Promise((resolve) => setImmediate(resolve));
          if (step.kind === "ask") {
            const id = ids[step.session];
            if (id === undefined) continue;
            const from = generations[step.session] ?? 0;
            answers.push(
              ask(agent, id, `/${step.how}`).then((text) => {
                if (text === null) return;
                answered += 1;
                const names = new Set(text.trim().split(" "));
                expect(names.size).toBe(1);
                const match = /^s(\d)g(\d+)$/.exec([...names][0] ?? "");
                expect(Number(match?.[1])).toBe(step.session);
                expect(Number(match?.[2])).toBeGreaterThanOrEqual(from);
              }),
            );
          }
          if (step.kind === "replace") {
            const id = ids[step.session];
            const old = current[step.session];
            if (id === undefined || old === undefined) continue;
            const generation = (generations[step.session] ?? 0) + 1;
            // The old listener goes; what it has accepted it still answers, as a container that drains does.
            await new Promise((resolve) => {
              old.server.close();
              setImmediate(resolve);
            });
            const made = await backend(`s${step.session}g${generation}`, paths[step.session]);
            current[step.session] = made;
            rig.lookup.publish(id, live(made.endpoint, { generation }));
            generations[step.session] = generation;
          }
        }
        await Promise.all(answers);
        agent.destroy();
        for (const made of current) {
          made.server.closeAllConnections();
          made.server.close();
        }
      },
    ),
    { numRuns: 25 },
  );
  expect(answered).toBeGreaterThan(200);
}, 60_000);

test("after load everything is back where it was: connections, pools, sockets, timers", async () => {
  const resources = () => {
    const counts = new Map<string, number>();
    for (const kind of process.getActiveResourcesInfo()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    return counts;
  };
  const ids = Array.from({ length: 5 }, () => rig.id());
  const backends: Backend[] = [];
  for (const [n, id] of ids.entries()) {
    const made = await backend(`s${n}g1`);
    made.server.on("upgrade", (req, socket) => {
      const key = `${req.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash("sha1").update(key).digest("base64");
      socket.on("error", () => {});
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.pipe(socket);
    });
    backends.push(made);
    rig.lookup.publish(id, live(made.endpoint));
  }
  const before = resources();
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  await Promise.all(Array.from({ length: 1000 }, (_, n) => ask(agent, ids[n % 5] ?? rig.id(), `/${n % 4}`)));
  const clients = await Promise.all(
    Array.from({ length: 100 }, async (_, n) => {
      const client = await rig.client();
      client.write(
        `GET / HTTP/1.1\r\nHost: ${rig.host(ids[n % 5] ?? rig.id())}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
      expect((await client.response()).status).toBe(101);
      return client;
    }),
  );
  expect(rig.gateway.stats().openSockets).toBe(100);
  agent.destroy();
  for (const [n, client] of clients.entries()) {
    if (n % 3 === 0) client.socket.resetAndDestroy();
    else if (n % 3 === 1) client.socket.end();
    else client.destroy();
  }
  await until(() => {
    const { upstreamConnections, upstreamPools, openSockets, waking } = rig.gateway.stats();
    return upstreamConnections + upstreamPools + openSockets + waking === 0;
  }, "gateway empty");
  for (const client of clients) client.destroy();
  await until(() => {
    const now = resources();
    return ["TCPSocketWrap", "PipeWrap", "Timeout"].every(
      (kind) => (now.get(kind) ?? 0) <= (before.get(kind) ?? 0) + 1,
    );
  }, "handles and timers back");
}, 30_000);
