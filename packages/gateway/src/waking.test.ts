import type { Endpoint } from "@velocity/contract";
import { type SessionId, VelocityError } from "@velocity/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Rig, until } from "./testing/rig.ts";
import { live } from "./testing/scripted-lookup.ts";

let rig: Rig;
let id: SessionId;
let app: Endpoint;
beforeEach(async () => {
  rig = await Rig.start({
    limits: { navigationHoldMs: 150, requestHoldMs: 3000, wakeBackoffMs: 60_000, maxWaiters: 1200 },
  });
  id = rig.id();
  app = (await rig.app((_req, res) => res.end("app"))).endpoint;
});
afterEach(() => rig.close());

const NAVIGATION = { Accept: "text/html,*/*", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document" };
const MODULE = {
  Accept: "*/*",
  "Sec-Fetch-Mode": "cors",
  "Sec-Fetch-Dest": "script",
  "Sec-Fetch-Site": "same-origin",
};

function sleep(level: "frozen" | "hibernated" = "frozen"): void {
  rig.lookup.publish(id, { kind: "asleep", level, visibility: "public" });
}
/** A wake that ends when the test says so. */
function heldWake(): { finish(): void; fail(error: Error): void } {
  const gate = Promise.withResolvers<void>();
  rig.lookup.onWake = () => gate.promise;
  return {
    finish: () => {
      rig.lookup.publish(id, live(app, { generation: 2 }));
      gate.resolve();
    },
    fail: gate.reject,
  };
}

describe("what wakes", () => {
  test.each([
    ["a navigation", NAVIGATION],
    ["a frame", { ...NAVIGATION, "Sec-Fetch-Dest": "iframe" }],
    ["a browser without fetch metadata", { Accept: "text/html" }],
    ["a module of an open page", MODULE],
    ["a client that asks on purpose", { Accept: "*/*" }],
  ])("%s wakes, waits and gets the app", async (_name, headers) => {
    rig.lookup.onWake = async () => rig.lookup.set(id, live(app));
    sleep();
    expect((await rig.get(id, "/", headers)).text).toBe("app");
    expect(rig.lookup.wakes).toEqual([id]);
  });

  test.each<[string, string, Readonly<Record<string, string>>]>([
    ["a prefetch", "/", { ...NAVIGATION, "Sec-Purpose": "prefetch" }],
    ["a prerender", "/", { ...NAVIGATION, "Sec-Purpose": "prefetch;prerender" }],
    ["an old prefetch", "/", { ...NAVIGATION, Purpose: "prefetch" }],
    ["the icon", "/favicon.ico", { ...MODULE, "Sec-Fetch-Dest": "image" }],
    ["robots.txt", "/robots.txt", {}],
    ["a robot", "/", { Accept: "text/html", "User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)" }],
    ["the old vite ping", "/", { Accept: "text/x-vite-ping" }],
    [
      "an HMR socket",
      "/",
      {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "vite-hmr",
      },
    ],
    [
      "a vite-ping socket",
      "/",
      {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol": "vite-ping",
      },
    ],
  ])("%s does not: 503 with Retry-After", async (_name, target, headers) => {
    sleep();
    const answer = await rig.get(id, target, headers);
    expect(answer.status).toBe(503);
    expect(Number(answer.header("retry-after"))).toBeGreaterThan(0);
    expect(rig.lookup.wakes).toEqual([]);
    expect(rig.lookup.touches).toEqual([]);
  });

  test("an error is HTML for a document and a problem for everything else", async () => {
    sleep();
    const page = await rig.get(id, "/", { ...NAVIGATION, "Sec-Purpose": "prefetch" });
    expect(page.header("content-type")).toMatch(/^text\/html/);
    const problem = await rig.get(id, "/favicon.ico", { Accept: "image/*" });
    expect(problem.header("content-type")).toBe("application/problem+json");
    expect(JSON.parse(problem.text)).toMatchObject({ status: 503, code: "session_unavailable" });
  });
});

describe("one wake for everyone", () => {
  test("1,000 requests to one sleeping session: one wake, every one answered", async () => {
    const wake = heldWake();
    sleep();
    const answers = Array.from({ length: 1000 }, () => rig.get(id, "/", MODULE));
    await until(() => rig.lookup.wakes.length === 1, "woken");
    wake.finish();
    const texts = new Set((await Promise.all(answers)).map((answer) => answer.text));
    expect([...texts]).toEqual(["app"]);
    expect(rig.lookup.wakes.length).toBe(1);
  });

  test("more waiters than the bound are 503", async () => {
    await rig.close();
    rig = await Rig.start({ limits: { maxWaiters: 2 } });
    app = (await rig.app((_req, res) => res.end("app"))).endpoint;
    const wake = heldWake();
    sleep();
    const first = [rig.get(id), rig.get(id)];
    await until(() => rig.lookup.wakes.length === 1, "woken");
    const third = await rig.get(id);
    expect([third.status, JSON.parse(third.text).code]).toEqual([503, "no_capacity"]);
    wake.finish();
    for (const answer of await Promise.all(first)) expect(answer.text).toBe("app");
  });

  test("a client that leaves does not end the wake", async () => {
    const wake = heldWake();
    sleep();
    const client = await rig.client();
    client.write(`GET / HTTP/1.1\r\nHost: ${rig.host(id)}\r\n\r\n`);
    await until(() => rig.lookup.wakes.length === 1, "woken");
    client.destroy();
    wake.finish();
    expect((await rig.get(id)).text).toBe("app");
    await until(() => rig.gateway.stats().waking === 0, "settled");
    expect(rig.lookup.wakes.length).toBe(1);
  });

  test("a posted form waits for the app instead of losing its body to the waiting page", async () => {
    const wake = heldWake();
    sleep();
    const client = await rig.client();
    client.write(
      `POST / HTTP/1.1\r\nHost: ${rig.host(id)}\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nAccept: text/html\r\nContent-Length: 2\r\n\r\nhi`,
    );
    await until(() => rig.lookup.wakes.length === 1, "woken");
    setTimeout(() => wake.finish(), 300);
    expect((await client.response()).text).toBe("app");
  });
});

describe("the waiting page", () => {
  test("comes when a navigation waited long enough: 503, Retry-After, no outside asset", async () => {
    const wake = heldWake();
    sleep();
    const page = await rig.get(id, "/", NAVIGATION);
    expect(page.status).toBe(503);
    expect(page.header("retry-after")).toBe("1");
    expect(page.header("cache-control")).toBe("no-store");
    expect(page.header("x-velocity-error")).toBe("session_unavailable");
    expect(page.text).toContain("Waking the preview");
    expect(page.text).not.toMatch(/(?:src|href)=/);
    expect(page.text).toContain("prefers-color-scheme:dark");
    expect(JSON.parse((await rig.get(id, "/__velocity/status")).text)).toEqual({ state: "waking" });
    wake.finish();
    await until(() => rig.gateway.stats().waking === 0, "settled");
    expect(JSON.parse((await rig.get(id, "/__velocity/status")).text)).toEqual({ state: "live" });
  });

  test("a first start shows its phase, and holds what is no navigation", async () => {
    rig.lookup.publish(id, { kind: "starting", visibility: "public", phase: "dependencies" });
    const page = await rig.get(id, "/", NAVIGATION);
    expect(page.text).toContain("Starting the preview");
    expect(JSON.parse((await rig.get(id, "/__velocity/status")).text)).toEqual({
      state: "starting",
      phase: "dependencies",
    });
    const module = rig.get(id, "/src/main.jsx", MODULE);
    rig.lookup.publish(id, live(app));
    expect((await module).text).toBe("app");
    expect(rig.lookup.wakes).toEqual([]);
  });

  test("a notification that got lost costs a moment, not the request", async () => {
    rig.lookup.publish(id, { kind: "starting", visibility: "public" });
    const module = rig.get(id, "/src/main.jsx", MODULE);
    await until(() => rig.gateway.stats().waking === 1, "held");
    rig.lookup.set(id, live(app));
    expect((await module).text).toBe("app");
  });

  test("asking for the status wakes nothing", async () => {
    sleep();
    expect(JSON.parse((await rig.get(id, "/__velocity/status")).text)).toEqual({ state: "asleep" });
    expect(rig.lookup.wakes).toEqual([]);
  });
});

describe("a wake that fails", () => {
  test("its waiters get the code and the plain sentence, and only a navigation tries again soon", async () => {
    rig.lookup.onWake = async () => {
      throw new VelocityError("no_capacity", "This server is full right now.", {
        context: { path: "/secret" },
      });
    };
    sleep();
    const answer = await rig.get(id, "/", MODULE);
    expect([answer.status, JSON.parse(answer.text).code]).toEqual([503, "no_capacity"]);
    expect((await rig.get(id, "/a", MODULE)).status).toBe(503);
    expect(rig.lookup.wakes.length).toBe(1);
    expect(JSON.parse((await rig.get(id, "/__velocity/status")).text)).toEqual({
      state: "failed",
      code: "no_capacity",
      message: "This server is full right now.",
    });
    const page = await rig.get(id, "/", NAVIGATION);
    expect(page.text).toContain("This server is full right now.");
    expect(page.text).toContain("Try again");
    expect(page.text).not.toContain("/secret");
    expect(rig.lookup.wakes.length).toBe(2);
  });

  test("an unknown error says nothing of itself", async () => {
    rig.lookup.onWake = async () => {
      throw new Error("connect ECONNREFUSED /var/lib/secret.sock");
    };
    sleep();
    const answer = await rig.get(id, "/", NAVIGATION);
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("secret");
  });

  test("a failed session answers its code, escaped", async () => {
    rig.lookup.publish(id, {
      kind: "failed",
      code: "server_exited",
      message: "It said <script>alert(1)</script>.",
    });
    const page = await rig.get(id, "/", NAVIGATION);
    expect(page.status).toBe(502);
    expect(page.header("x-velocity-error")).toBe("server_exited");
    expect(page.text).not.toContain("<script>alert");
  });

  test("a lookup that fails is 503 and ends nothing", async () => {
    rig.lookup.onResolve = async () => {
      throw new VelocityError("database_unavailable", "The database does not answer.");
    };
    const answer = await rig.get(id, "/", MODULE);
    expect([answer.status, answer.header("x-velocity-error")]).toEqual([503, "database_unavailable"]);
  });
});

test("a private preview is never woken, shown or asked for its status", async () => {
  rig.lookup.publish(id, live(app, { visibility: "private" }));
  for (const target of ["/", "/__velocity/status", "/__velocity/identity", "/favicon.ico"]) {
    expect((await rig.get(id, target, NAVIGATION)).status).toBe(404);
  }
  expect(rig.lookup.touches).toEqual([]);
});
