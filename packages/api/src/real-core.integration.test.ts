import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  fileEntrySchema,
  historyEntrySchema,
  listSchema,
  problemSchema,
  projectSchema,
  sessionEventSchema,
  sessionSchema,
  startResponseSchema,
} from "@velocity/contract";
import { CORE_SETTINGS, type CoreDeps, createCore, silentLog, systemClock } from "@velocity/core";
import { openStore } from "@velocity/store";
import { FakeEngine, fakeAgent, fakeDriver } from "@velocity/testkit";
import { readArchive } from "@velocity/workspace";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testApi } from "./testing/test-api.ts";

const ends: (() => Promise<unknown>)[] = [];
let made: ReturnType<typeof testApi>;
beforeAll(async () => {
  made = await realApi();
});
afterAll(async () => {
  made.api.close();
  for (const end of ends.reverse()) await end();
});

const workspace: CoreDeps["workspace"] = {
  plan: async () => ({
    framework: "static",
    packageManager: null,
    run: {
      command: ["serve"],
      cwd: ".",
      env: {},
      port: 5173,
      ready: { path: "/", timeoutMs: 5_000 },
      listen: "preload",
      install: null,
    },
    network: "none",
    dependencies: null,
    hash: "static",
  }),
  dependencies: async () => ({ mounts: [], cached: true }),
  mountRoot: async (directory) => directory,
};

const noTree = { list: async () => [], read: async () => null };

/** The API over the real core and the embedded database; only the engine is a fake. */
async function realApi() {
  const dataDir = await mkdtemp(join(tmpdir(), "velocity-api-"));
  ends.push(() => rm(dataDir, { recursive: true, force: true }));
  const store = await openStore({ dataDir }, { log: silentLog });
  ends.push(() => store.close());
  const engine = new FakeEngine();
  engine.now = () => new Date();
  const driver = fakeDriver(engine);
  const agent = fakeAgent(engine);
  const containerOf = (sessionId: string) => {
    const found = [...engine.containers.values()].find(({ identity }) => identity.sessionId === sessionId);
    if (found === undefined) throw new Error("no container");
    return found;
  };
  const core = createCore({
    store,
    driver,
    agent,
    workspace,
    probe: {
      identity: async (sessionId) => containerOf(sessionId).identity,
      ready: async () => ({ status: 200 }),
    },
    templates: {
      list: async () => [{ id: "react", title: "React", description: "A counter.", framework: "vite" }],
      files: async () => [{ path: "index.html", content: "<h1>Hi</h1>", encoding: "utf8" }],
    },
    archives: { read: (bytes) => readArchive(bytes) },
    linkedFiles: {
      check: async (directory) => directory,
      entries: async () => [],
      read: async () => null,
      apply: async () => ({ version: 1 }),
    },
    git: { fetch: async () => [{ path: "README.md", content: "# Fetched\n", encoding: "utf8" }] },
    directoryTree: () => noTree,
    memoryTree: () => noTree,
    clock: systemClock,
    log: silentLog,
    ownerId: randomUUID(),
    settings: { ...CORE_SETTINGS, enableContainerPooling: false, poolSize: 0, demoProject: false },
  });
  await core.controllers.start();
  ends.push(() => core.controllers.shutdown("leave"));
  return testApi({
    sessions: core.sessions,
    projects: core.projects,
    idempotency: store.idempotency,
    driver,
  });
}

test("a session's whole life over the real core: start, find, follow, stop, resume, end", async () => {
  const { request } = made;
  const projectId = randomUUID();
  const started = await request("POST", "/api/sessions/start", {
    json: { projectId },
    headers: { "idempotency-key": "once" },
  });
  expect(started.status).toBe(201);
  const text = await started.text();
  const { session } = startResponseSchema.parse(JSON.parse(text));
  expect(session).toMatchObject({ state: "active", previewUrl: session.url, container: { driver: "fake" } });
  const replayed = await request("POST", "/api/sessions/start", {
    json: { projectId },
    headers: { "idempotency-key": "once" },
  });
  expect(await replayed.text()).toBe(text);

  const path = `/api/sessions/${session.id}`;
  const again = await request("POST", "/api/sessions/start", { json: { projectId } });
  expect(again.status).toBe(200);
  expect(startResponseSchema.parse(await again.json()).session.id).toBe(session.id);

  const call = async (method: string, at: string) => {
    const answer = await request(method, at);
    expect(answer.status).toBe(200);
    return sessionSchema.parse(await answer.json()).state;
  };
  expect(await call("POST", `${path}/stop`)).toBe("suspended");
  expect(await call("POST", `${path}/resume`)).toBe("active");
  expect(await call("POST", `${path}/heartbeat`)).toBe("active");
  expect((await request("POST", `${path}/exec`, { json: { command: ["ls"] } })).status).toBe(200);
  expect((await request("GET", `${path}/logs`)).status).toBe(200);

  const history = listSchema(historyEntrySchema);
  const first = history.parse(await (await request("GET", `${path}/history?limit=2`)).json());
  const rest = history.parse(
    await (await request("GET", `${path}/history?limit=2&cursor=${first.nextCursor}`)).json(),
  );
  expect([...first.items, ...rest.items].map((entry) => entry.toState).slice(0, 4)).toEqual([
    "pending",
    "active",
    "suspended",
    "active",
  ]);

  const reader = (await request("GET", `${path}/events`)).body?.getReader();
  const events = await eventsUntil(reader, 3);
  await reader?.cancel();
  const second = events[1]?.id ?? "";
  const resumed = (
    await request("GET", `${path}/events`, { headers: { "last-event-id": second } })
  ).body?.getReader();
  expect((await eventsUntil(resumed, 1))[0]?.id).toBe(events[2]?.id);
  await resumed?.cancel();

  expect(await call("DELETE", path)).toBe("terminated");
  expect(await call("POST", `${path}/terminate`)).toBe("terminated");
  const dead = await request("POST", `${path}/resume`);
  expect(dead.status).toBe(409);
  expect(problemSchema.parse(await dead.json()).code).toBe("invalid_state");
});

test("projects and files over the real store: versions, conflicts, cursors", async () => {
  const { request } = made;
  const created = await request("POST", "/api/projects", { json: { name: "Mine" } });
  expect(created.status).toBe(201);
  const project = projectSchema.parse(await created.json());
  const path = `/api/projects/${project.id}`;
  const bytes = new Uint8Array([0, 1, 255]);
  const put = await request("PUT", `${path}/files/a/logo.bin`, { body: bytes });
  expect(put.status).toBe(200);
  const got = await request("GET", `${path}/files/a/logo.bin`);
  expect(new Uint8Array(await got.arrayBuffer())).toEqual(bytes);
  expect(got.headers.get("etag")).toBe(put.headers.get("etag"));
  const stale = await request("PUT", `${path}/files/a/logo.bin`, {
    body: "x",
    headers: { "if-match": '"0"' },
  });
  expect(stale.status).toBe(409);
  expect((await request("DELETE", `${path}/files/a/logo.bin`)).status).toBe(200);
  expect((await request("GET", `${path}/files/a/logo.bin`)).status).toBe(404);
  expect((await request("GET", `${path}/versions?path=a/logo.bin`)).status).toBe(200);
  expect((await request("POST", "/api/projects", { json: { name: "x", template: "cobol" } })).status).toBe(
    422,
  );
  for (const list of ["/api/projects", "/api/sessions"])
    expect((await request("GET", `${list}?cursor=bm9wZQ`)).status).toBe(400);
  expect((await request("GET", `/api/sessions/${project.id}`)).status).toBe(404);
  expect((await request("DELETE", path)).status).toBe(204);
  expect((await request("GET", path)).status).toBe(404);
});

async function eventsUntil(reader: ReadableStreamDefaultReader<Uint8Array> | undefined, count: number) {
  let text = "";
  for (;;) {
    const events = [...text.matchAll(/^data: (.*)\n\n/gm)].map((match) =>
      sessionEventSchema.parse(JSON.parse(match[1] ?? "")),
    );
    if (events.length >= count) return events;
    const { value } = (await reader?.read()) ?? {};
    if (value === undefined) throw new Error("the stream ended");
    text += new TextDecoder().decode(value);
  }
}

test("an archive made by tar becomes the project; one with a link in it changes nothing", async () => {
  const { request } = made;
  const created = await request("POST", "/api/projects", { json: { name: "Packed" } });
  const path = `/api/projects/${projectSchema.parse(await created.json()).id}`;
  const folder = await mkdtemp(join(tmpdir(), "velocity-pack-"));
  ends.push(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "app/src"), { recursive: true });
  await writeFile(join(folder, "app/src/main.js"), "export {}");
  await writeFile(join(folder, "app/package.json"), "{}");
  const send = async () => {
    const { stdout } = await promisify(execFile)("tar", ["cz", "-C", folder, "app"], { encoding: "buffer" });
    const headers = { "content-type": "application/gzip" };
    return request("POST", `${path}/archive`, { body: new Uint8Array(stdout), headers });
  };
  const paths = async () => {
    const list = listSchema(fileEntrySchema).parse(await (await request("GET", `${path}/files`)).json());
    return list.items.map((file) => file.path);
  };
  const taken = await send();
  expect(taken.status).toBe(200);
  expect(await taken.json()).toEqual({ version: 2, sessionsNotified: 0 });
  expect(await paths()).toEqual(["package.json", "src/main.js"]);
  expect(await (await send()).json()).toEqual({ version: 2, sessionsNotified: 0 });

  await writeFile(join(folder, "app/aaa.js"), "new");
  await symlink("/etc/passwd", join(folder, "app/zzz"));
  const refused = await send();
  expect(refused.status).toBe(422);
  const problem = problemSchema.parse(await refused.json());
  expect(problem).toMatchObject({ code: "unsafe_archive" });
  expect(problem.detail).toBe('The archive\'s entry "app/zzz" is a symbolic link.');
  expect(await paths()).toEqual(["package.json", "src/main.js"]);

  const headers = { "content-type": "application/gzip" };
  const empty = await request("POST", `${path}/archive`, { headers });
  expect(empty.status).toBe(422);
  expect(problemSchema.parse(await empty.json()).code).toBe("validation");
});
