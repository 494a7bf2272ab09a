import { createVelocity } from "@velocity/sdk";
import { type ApiDouble, startApiDouble } from "@velocity/sdk/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PageSignals } from "./page-signals.ts";
import { PreviewSession, type PreviewSnapshot } from "./preview-session.ts";
import type { PreviewStatus } from "./preview-status.ts";

const PROJECT = "550e8400-e29b-41d4-a716-446655440000";
const PAGE: PageSignals = { isVisible: () => true, lastInputAt: () => 0, listen: () => () => undefined };
let server: ApiDouble;
let session: PreviewSession;
let leave: () => void;

beforeEach(async () => {
  server = await startApiDouble();
  const client = createVelocity({ url: server.url, maxRetries: 0 });
  session = new PreviewSession({ client, projectId: PROJECT, page: PAGE });
  leave = session.subscribe(() => undefined);
});
afterEach(async () => {
  leave();
  await server.close();
});

function until(matches: (snapshot: PreviewSnapshot) => boolean): Promise<PreviewSnapshot> {
  return new Promise((resolve) => {
    const check = () => {
      const snapshot = session.getSnapshot();
      if (!matches(snapshot)) return;
      unsubscribe();
      resolve(snapshot);
    };
    const unsubscribe = session.subscribe(check);
    queueMicrotask(check);
  });
}
const status = (wanted: PreviewStatus) => until((snapshot) => snapshot.status === wanted);
const streams = () => server.requests.filter((one) => one.line.endsWith("/events")).length;

describe("a project's session on a page", () => {
  test("is found idle, starts with live steps, stops, and goes on as the same session", async () => {
    expect((await status("idle")).session).toBeNull();
    const installed = Promise.withResolvers<void>();
    server.script = { phases: { queued: 1, dependencies: installed.promise, server: 20 } };
    void session.start();
    expect(session.getSnapshot().status).toBe("starting");
    const installing = await until((one) => one.phases.at(-1)?.phase === "dependencies");
    expect(installing).toMatchObject({ status: "starting", previewUrl: null });
    installed.resolve();
    const running = await status("running");
    expect(running.phases.map((one) => one.phase)).toEqual(["queued", "dependencies", "server"]);
    expect(running).toMatchObject({ source: "cold", error: null });
    expect(running.previewUrl).toBe(running.session?.url);
    await session.stop();
    const stopped = await status("stopped");
    expect(stopped.previewUrl).toBeNull();
    server.script = { phases: { server: 1 } };
    await session.start();
    const again = await status("running");
    expect(again.session?.id).toBe(running.session?.id);
    expect(again.source).toBe("resumed");
    await until((one) => one.phases.length === 1);
    expect(streams()).toBe(1);
  });

  test("that already runs is followed without being started", async () => {
    leave();
    const other = createVelocity({ url: server.url });
    const { session: existing } = await other.sessions.start({ projectId: PROJECT });
    leave = session.subscribe(() => undefined);
    expect((await status("running")).session?.id).toBe(existing.id);
    expect(server.requests.filter((one) => one.line.endsWith("/start"))).toHaveLength(1);
  });

  test("start fresh is another session", async () => {
    await session.start();
    const first = (await status("running")).session?.id;
    await session.startFresh();
    const second = await until((one) => one.status === "running" && one.session?.id !== first);
    expect(second.session?.id).not.toBe(first);
  });

  test("ended elsewhere says so, and can be started again", async () => {
    await session.start();
    const id = (await status("running")).session?.id ?? "";
    server.moveTo(id, "terminated", "someone else");
    expect((await status("ended")).previewUrl).toBeNull();
    await session.start();
    expect((await status("running")).session?.id).not.toBe(id);
  });

  test("stopped elsewhere says so", async () => {
    await session.start();
    server.moveTo((await status("running")).session?.id ?? "", "suspended", "idle");
    await status("stopped");
  });

  test.each([
    ["at once", "at once"],
    ["after a while", "later"],
  ])("a start that fails %s shows code, message and log", async (_, when) => {
    await status("idle");
    const broken = Promise.withResolvers<void>();
    if (when === "at once") broken.resolve();
    server.script = {
      phases: { dependencies: broken.promise },
      failIn: {
        phase: "dependencies",
        code: "install_failed",
        message: "The dependencies could not be installed.",
        log: ["npm error 404 no-such-package"],
      },
    };
    await session.start();
    if (when === "later") await until((one) => one.status === "starting" && one.session !== null);
    broken.resolve();
    const failed = await until((one) => one.status === "failed" && (one.error?.log.length ?? 0) > 0);
    expect(failed.error).toMatchObject({
      code: "install_failed",
      message: "The dependencies could not be installed.",
      log: ["npm error 404 no-such-package"],
    });
    await until((one) => one.phases[0]?.status === "failed");
    server.script = { phases: { server: 1 } };
    await session.start();
    expect((await status("running")).error).toBeNull();
  });

  test("a refused action is an error beside the running session, not instead of it", async () => {
    await session.start();
    await status("running");
    server.intercept("POST", (response) => {
      response.writeHead(409, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ code: "invalid_state", detail: "It is being replaced." }));
    });
    await session.stop();
    expect(session.getSnapshot()).toMatchObject({ status: "running", error: { code: "invalid_state" } });
  });

  test("a second click while the first is under way asks nothing", async () => {
    await status("idle");
    await Promise.all([session.start(), session.start(), session.startFresh()]);
    expect(server.requests.filter((one) => one.line.endsWith("/start"))).toHaveLength(1);
  });

  test("a server that restarts is a lost connection, then the same session again", async () => {
    await session.start();
    const id = (await status("running")).session?.id ?? "";
    await server.down();
    await until((one) => one.connection === "lost");
    expect(session.getSnapshot().status).toBe("running");
    await server.up();
    server.moveTo(id, "suspended", "after the restart");
    const back = await until((one) => one.connection === "ok" && one.status === "stopped");
    expect(back.session?.id).toBe(id);
  });

  test("a server that is not there at first is waited for", async () => {
    leave();
    await server.down();
    leave = session.subscribe(() => undefined);
    expect((await until((one) => one.connection === "lost")).status).toBe("loading");
    await server.up();
    expect((await status("idle")).connection).toBe("ok");
  });

  test("a session that vanished from the server is not shown any more", async () => {
    await session.start();
    server.sessions.clear();
    server.dropConnections();
    await status("idle");
  });

  test("leaving and coming back in the same moment keeps the one stream", async () => {
    await session.start();
    await status("running");
    await vi.waitFor(() => expect(streams()).toBe(1));
    leave();
    leave = session.subscribe(() => undefined);
    await session.stop();
    await status("stopped");
    expect(streams()).toBe(1);
  });

  test("nothing is told, asked or held after the last one left", async () => {
    await session.start();
    await status("running");
    const told = vi.fn();
    const closed = new Promise<void>((resolve) => {
      server.intercept("GET /api/sessions", (response) => response.on("close", () => resolve()));
    });
    session.refresh();
    leave();
    leave = session.subscribe(told);
    leave();
    await closed;
    const { length } = server.requests;
    server.dropConnections();
    expect(told).not.toHaveBeenCalled();
    await session.start();
    expect(server.requests).toHaveLength(length);
  });

  test("log lines come with the events, and of a server that forgot them from the container", async () => {
    const texts = () => session.log.getLines().map((line) => line.text);
    await session.start();
    const id = (await status("running")).session?.id ?? "";
    server.log(id, { source: "server", stream: "stdout", text: "page reload" });
    await vi.waitFor(() => expect(texts().at(-1)).toBe("page reload"));
    server.forgetEvents(id);
    leave();
    const client = createVelocity({ url: server.url, maxRetries: 0 });
    session = new PreviewSession({ client, projectId: PROJECT, page: PAGE });
    leave = session.subscribe(() => undefined);
    await vi.waitFor(() => expect(texts().at(-1)).toBe("page reload"), { timeout: 4_000 });
  });

  test("auto start happens once, and not over a stop", async () => {
    session.startOnce();
    await status("running");
    await session.stop();
    await status("stopped");
    session.startOnce();
    session.refresh();
    await status("stopped");
    expect(server.requests.filter((one) => one.line.endsWith("/start"))).toHaveLength(1);
  });
});
