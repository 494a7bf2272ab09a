import type { SessionEvent } from "@velocity/contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createVelocity, type Velocity, VelocityApiError, VelocityNetworkError } from "./index.ts";
import { type ApiDouble, newProject, startApiDouble } from "./testing/api-double.ts";

const PROJECT = "550e8400-e29b-41d4-a716-446655440000";
let server: ApiDouble;
let velocity: Velocity;

beforeEach(async () => {
  server = await startApiDouble();
  velocity = createVelocity({ url: server.url, token: "key-1" });
});
afterEach(() => server.close());

async function caught(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
}

describe("calls", () => {
  test("starts, stops, resumes and terminates a session", async () => {
    const first = await velocity.sessions.start({ projectId: PROJECT });
    expect(first).toMatchObject({ pending: false, reused: false, source: "cold" });
    expect(first.session.previewUrl).toBe(first.session.url);
    const id = first.session.id;
    expect((await velocity.sessions.stop(id)).state).toBe("suspended");
    expect((await velocity.sessions.resume(id)).state).toBe("active");
    expect((await velocity.sessions.list({ projectId: PROJECT })).items.map((one) => one.id)).toEqual([id]);
    expect((await velocity.sessions.terminate(id)).state).toBe("terminated");
    expect((await velocity.sessions.get(id)).state).toBe("terminated");
  });

  test("says that a start goes on when the wait is over first", async () => {
    server.script = { phases: { server: 5_000 } };
    const started = await velocity.sessions.start({ projectId: PROJECT, waitMs: 20 });
    expect(started.pending).toBe(true);
    expect(started.session.state).toBe("pending");
  });

  test("sends the token, and a fresh one when given a function", async () => {
    await velocity.templates.list();
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer key-1");
    let turn = 0;
    const renewing = createVelocity({ url: server.url, token: async () => `key-${++turn}` });
    await renewing.templates.list();
    await renewing.templates.list();
    expect(server.requests.at(-1)?.headers.authorization).toBe("Bearer key-2");
  });

  test("keeps a path prefix of the url and encodes ids", async () => {
    const behindPrefix = createVelocity({ url: `${server.url}/base/`, maxRetries: 0 });
    await caught(behindPrefix.sessions.get("a/../b"));
    expect(server.requests.at(-1)?.line).toBe("GET /base/api/sessions/a%2F..%2Fb");
  });

  test("reads health even when it is bad", async () => {
    const body = { status: "degraded", timestamp: new Date().toISOString(), version: "1", checks: {} };
    server.intercept("GET /health", (response) => {
      response.writeHead(503, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    expect(await velocity.health()).toEqual(body);
  });

  test("creates and finds projects", async () => {
    server.projects.push(newProject("Shop", "react"));
    const made = await velocity.projects.create({ name: "Blog", template: "vue" });
    expect(made).toMatchObject({ name: "Blog", template: "vue" });
    expect((await velocity.projects.list()).items.map((one) => one.name)).toEqual(["Shop", "Blog"]);
    expect((await velocity.projects.get(made.id)).id).toBe(made.id);
  });

  test("sends an archive byte for byte, as gzip and not as JSON", async () => {
    const archive = new Uint8Array([0x1f, 0x8b, 0, 255, 10, 13]);
    const done = { version: 2, sessionsNotified: 1 };
    for (const body of [archive, archive.buffer, new Blob([archive])]) {
      const sent: Request[] = [];
      const recording = createVelocity({
        url: "http://velocity.test",
        fetch: async (input, init) => {
          sent.push(new Request(input, init));
          return Response.json(done);
        },
      });
      expect(await recording.projects.importArchive(PROJECT, body)).toEqual(done);
      const [request] = sent;
      expect(request?.method).toBe("POST");
      expect(request?.url).toBe(`http://velocity.test/api/projects/${PROJECT}/archive`);
      expect(request?.headers.get("content-type")).toBe("application/gzip");
      expect(await request?.bytes()).toEqual(archive);
    }
  });
});

describe("errors", () => {
  test("a problem answer becomes a typed error with its fields", async () => {
    const error = await caught(velocity.sessions.start({ projectId: "nonsense" }));
    expect(error).toBeInstanceOf(VelocityApiError);
    expect(error).toMatchObject({
      code: "validation",
      status: 422,
      requestId: "req-double",
      retryable: false,
      errors: [{ path: "projectId" }],
    });
  });

  test("an answer of something else than a Velocity server is named as that", async () => {
    server.intercept("GET /api/templates", (response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<h1>router login</h1>");
    });
    expect(await caught(velocity.templates.list())).toMatchObject({ code: "unexpected_answer", status: 200 });
    server.intercept("GET /api/templates", (response) => {
      response.writeHead(418, { "content-type": "text/html" }).end("<h1>teapot</h1>");
    });
    expect(await caught(velocity.templates.list())).toMatchObject({ code: "unexpected_answer", status: 418 });
  });

  test("nobody answering is a network error that is worth another try", async () => {
    await server.down();
    const error = await caught(createVelocity({ url: server.url, maxRetries: 0 }).templates.list());
    expect(error).toBeInstanceOf(VelocityNetworkError);
    expect(error).toMatchObject({ code: "network_error", retryable: true });
  });

  test("an aborted call rejects with the signal's reason", async () => {
    const abort = new AbortController();
    const reason = new Error("the page was left");
    server.intercept("GET /api/templates", () => abort.abort(reason));
    expect(await caught(velocity.templates.list({ signal: abort.signal }))).toBe(reason);
  });
});

describe("retries", () => {
  test("a start whose connection breaks is sent again with the same key", async () => {
    server.intercept("POST /api/sessions/start", (response) => response.destroy());
    const started = await velocity.sessions.start({ projectId: PROJECT });
    const keys = server.requests
      .filter((one) => one.line === "POST /api/sessions/start")
      .map((one) => one.headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(server.sessions.size).toBe(1);
    expect(started.session.state).toBe("active");
  });

  test("two starts have two keys", async () => {
    await velocity.sessions.start({ projectId: PROJECT });
    await velocity.sessions.start({ projectId: PROJECT });
    const [first, second] = server.requests.map((one) => one.headers["idempotency-key"]);
    expect(first).not.toBe(second);
  });

  test("a server that is shutting down is asked again after Retry-After", async () => {
    server.intercept("GET /api/templates", (response) => {
      response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "0" });
      response.end(JSON.stringify({ code: "shutting_down", detail: "Going down." }));
    });
    expect((await velocity.templates.list()).items).toEqual([]);
  });

  test("a start that failed for good is not repeated", async () => {
    server.script = {
      phases: { server: 1 },
      failIn: { phase: "server", code: "start_failed", message: "The container broke.", log: [] },
    };
    expect(await caught(velocity.sessions.start({ projectId: PROJECT }))).toMatchObject({
      code: "start_failed",
      detail: "The container broke.",
      retryable: true,
    });
    expect(server.requests).toHaveLength(1);
  });

  test("a call that is not safe to repeat is not repeated", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    server.intercept("POST", (response) => response.destroy());
    expect(await caught(velocity.sessions.stop(session.id))).toBeInstanceOf(VelocityNetworkError);
    expect(server.requests).toHaveLength(2);
  });
});

describe("streams", () => {
  async function collect(
    stream: AsyncIterable<SessionEvent>,
    each: (event: SessionEvent) => boolean | undefined,
  ): Promise<SessionEvent[]> {
    const events: SessionEvent[] = [];
    for await (const event of stream) {
      events.push(event);
      if (each(event) === true) break;
    }
    return events;
  }

  test("events go on where they were after the connection broke, without gap or repetition", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    const states: string[] = [];
    let dropped = false;
    const events = await collect(
      velocity.sessions.events(session.id, {
        onConnection: (state) => {
          states.push(state);
          if (state === "lost") server.moveTo(session.id, "suspended", "while nobody listened");
        },
      }),
      (event) => {
        if (event.data.state === "active" && !dropped) {
          dropped = true;
          server.dropConnections();
        }
        return event.data.state === "suspended";
      },
    );
    expect(states).toEqual(["open", "lost", "open"]);
    const ids = events.map((event) => Number(event.id));
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    const asked = server.requests.filter((one) => one.line.endsWith("/events"));
    const lastBefore = events.findLast((event) => event.data.state === "active");
    expect(asked.map((one) => one.headers["last-event-id"])).toEqual([undefined, lastBefore?.id]);
  });

  test("events survive a server that is away for a moment", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    const restart = async () => {
      await server.down();
      await server.up();
      server.moveTo(session.id, "suspended", "after the restart");
    };
    let restarted: Promise<void> | null = null;
    const events = await collect(velocity.sessions.events(session.id), (event) => {
      if (event.data.state === "active") restarted ??= restart();
      return event.data.state === "suspended";
    });
    await restarted;
    expect(events.at(-1)?.data.reason).toBe("after the restart");
  });

  test("events end by themselves after the session has terminated and the server closed the stream", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    await velocity.sessions.terminate(session.id);
    const events = await collect(velocity.sessions.events(session.id), (event) => {
      if (event.data.state === "terminated") server.dropConnections();
      return false;
    });
    expect(events.at(-1)?.data.state).toBe("terminated");
  });

  test("events of a session that does not exist are an error, not a loop", async () => {
    const error = await caught(collect(velocity.sessions.events(crypto.randomUUID()), () => true));
    expect(error).toMatchObject({ code: "not_found", status: 404 });
    expect(server.requests).toHaveLength(1);
  });

  test("a stream without a sign of life is opened again", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    const states: string[] = [];
    const abort = new AbortController();
    const stream = velocity.sessions.events(session.id, {
      idleTimeoutMs: 30,
      signal: abort.signal,
      onConnection: (state) => {
        states.push(state);
        if (states.length === 3) abort.abort();
      },
    });
    await collect(stream, () => false);
    expect(states).toEqual(["open", "lost", "open"]);
  });

  test("aborting ends the events quietly and closes the connection", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    const closed = Promise.withResolvers<void>();
    server.intercept(`GET /api/sessions/${session.id}/events`, (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: {}\n\n");
      response.on("close", () => closed.resolve());
    });
    const abort = new AbortController();
    const events = await collect(velocity.sessions.events(session.id, { signal: abort.signal }), () => {
      abort.abort();
      return false;
    });
    expect(events).toHaveLength(1);
    await closed.promise;
  });

  test("logs come as lines, and go on live while followed", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    const backlog = [];
    for await (const line of velocity.sessions.logs(session.id)) backlog.push(line.text);
    expect(backlog).toHaveLength(1);
    const live: string[] = [];
    for await (const line of velocity.sessions.logs(session.id, { follow: true })) {
      live.push(line.text);
      if (live.length === 1)
        server.log(session.id, { source: "server", stream: "stdout", text: "päge reload" });
      else break;
    }
    expect(live.at(-1)).toBe("päge reload");
  });

  test("logs that break off say so", async () => {
    const { session } = await velocity.sessions.start({ projectId: PROJECT });
    const error = await caught(
      (async () => {
        for await (const _ of velocity.sessions.logs(session.id, { follow: true })) server.dropConnections();
      })(),
    );
    expect(error).toBeInstanceOf(VelocityNetworkError);
  });
});

test("the client loads neither zod nor anything of Node", async () => {
  const { build } = await import("esbuild");
  const result = await build({
    entryPoints: [new URL("./index.ts", import.meta.url).pathname],
    bundle: true,
    write: false,
    format: "esm",
    platform: "browser",
    metafile: true,
    minify: true,
  });
  expect(Object.keys(result.metafile.inputs).filter((path) => path.includes("node_modules"))).toEqual([]);
  expect(result.outputFiles[0]?.contents.length).toBeLessThan(24_000);
});
