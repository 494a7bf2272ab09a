import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startVelocity, type Velocity } from "./src/velocity.ts";

interface Session {
  readonly id: string;
  readonly state: string;
  readonly error: { readonly code: string; readonly message: string } | null;
}
type Files = Readonly<Record<string, string>>;

describe("a project that is wrong", () => {
  let velocity: Velocity;
  beforeAll(async () => {
    velocity = await startVelocity({ env: { VELOCITY_POOL_SIZE: "0" } });
  });
  afterAll(async () => {
    await velocity?.[Symbol.asyncDispose]();
  });

  async function start(files: Files): Promise<{ session: Session; projectId: string }> {
    const list = Object.entries(files).map(([path, content]) => ({ path, content }));
    const { id } = await velocity.api<{ id: string }>("POST", "/api/projects", {
      name: "wrong",
      files: list,
    });
    const { session } = await velocity.api<{ session: Session }>("POST", "/api/sessions/start", {
      projectId: id,
    });
    return { session, projectId: id };
  }
  const sessionOf = (id: string) => velocity.api<Session>("GET", `/api/sessions/${id}`);
  const logOf = async (id: string) =>
    (await fetch(`http://127.0.0.1:${velocity.port}/api/sessions/${id}/logs`)).text();
  const script = (code: string) =>
    JSON.stringify({ name: "wrong", private: true, scripts: { dev: `node -e "${code}"` } });

  test("an install that fails is told with its log, and a corrected package.json starts the session", async () => {
    const { session, projectId } = await start({
      "package.json": JSON.stringify({
        name: "wrong",
        private: true,
        scripts: { dev: "node server.js" },
        dependencies: { "velocity-there-is-no-such-package": "1.0.0" },
      }),
      "server.js": 'require("node:http").createServer((q, s) => s.end("hello")).listen(process.env.PORT);',
    });
    expect(session).toMatchObject({ state: "active", error: { code: "install_failed" } });
    expect(await logOf(session.id)).toContain("velocity-there-is-no-such-package");
    const content = JSON.stringify({ name: "wrong", private: true, scripts: { dev: "node server.js" } });
    await velocity.api("PUT", `/api/projects/${projectId}/files`, {
      files: [{ path: "package.json", content }],
    });
    await expect.poll(async () => (await sessionOf(session.id)).error, { timeout: 30_000 }).toBeNull();
  });

  test("a dev server that exits is told with its last words, and starts again when a file changes", async () => {
    const { session, projectId } = await start({
      "package.json": script("console.error('no luck today'); process.exit(3)"),
    });
    expect(session).toMatchObject({ state: "active", error: { code: "server_exited" } });
    expect(await logOf(session.id)).toContain("no luck today");
    const content = script(
      "require('node:http').createServer((q, s) => s.end('hi')).listen(process.env.PORT)",
    );
    await velocity.api("PUT", `/api/projects/${projectId}/files`, {
      files: [{ path: "package.json", content }],
    });
    await expect.poll(async () => (await sessionOf(session.id)).error, { timeout: 30_000 }).toBeNull();
  });

  test("a dev server that never listens is told as such", async () => {
    const { session } = await start({
      "package.json": script("setInterval(() => {}, 1000)"),
      "velocity.json": JSON.stringify({ ready: { timeoutMs: 2000 } }),
    });
    expect(session).toMatchObject({ state: "active", error: { code: "server_not_listening" } });
  });

  test("a dev server that listens on another port than it was told is found", async () => {
    const { session } = await start({
      "package.json": script("require('node:http').createServer((q, s) => s.end('elsewhere')).listen(4567)"),
    });
    expect(session).toMatchObject({ state: "active", error: null });
  });

  test("an unknown key of velocity.json is refused by name, and no session stays behind", async () => {
    const body = { name: "wrong", files: [{ path: "velocity.json", content: '{"comand":"vite"}' }] };
    const { id } = await velocity.api<{ id: string }>("POST", "/api/projects", body);
    await expect(velocity.api("POST", "/api/sessions/start", { projectId: id })).rejects.toThrow(
      /422.*comand/,
    );
    const live = await velocity.api<{ items: Session[] }>("GET", `/api/sessions?projectId=${id}`);
    expect(live.items.filter((session) => session.state !== "terminated")).toEqual([]);
  });

  test.each([
    [
      "unknown template",
      { projectId: "11111111-1111-4111-8111-111111111111", template: "cobol" },
      /422.*template/,
    ],
    ["malformed id", { projectId: "not-an-id" }, /projectId/],
    ["unknown field", { projectId: "11111111-1111-4111-8111-111111111111", forcNew: true }, /422.*forcNew/],
  ])("%s", async (_name, body, message) => {
    await expect(velocity.api("POST", "/api/sessions/start", body)).rejects.toThrow(message);
  });

  test("a directory that does not exist cannot be linked", async () => {
    const body = { name: "wrong", directory: "/there/is/no/such/directory" };
    await expect(velocity.api("POST", "/api/projects", body)).rejects.toThrow(/422.*directory_not_found/);
  });

  test("terminating them all leaves no container", async () => {
    const { items } = await velocity.api<{ items: Session[] }>("GET", "/api/sessions");
    for (const { id } of items) await velocity.api("POST", `/api/sessions/${id}/terminate`);
    expect(await readdir(join(velocity.dataDir, "containers"))).toEqual([]);
  });
});

describe("a server that cannot start says why, in one sentence, and exits with 1", () => {
  let velocity: Velocity;
  beforeAll(async () => {
    velocity = await startVelocity();
  });
  afterAll(async () => {
    await velocity?.[Symbol.asyncDispose]();
  });

  test("the port is taken", async () => {
    await expect(startVelocity({ port: velocity.port })).rejects.toThrow(
      /ended with 1[\s\S]*Port \d+ is in use/,
    );
  });

  test("the data folder is taken", async () => {
    await expect(startVelocity({ dataDir: velocity.dataDir })).rejects.toThrow(
      /ended with 1[\s\S]*data folder/,
    );
  });

  test("the data folder is of a newer version, or no folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "velocity-newer-"));
    await writeFile(join(folder, "format"), "999\n");
    await expect(startVelocity({ dataDir: folder })).rejects.toThrow(/ended with 1[\s\S]*newer/);
    await expect(startVelocity({ dataDir: join(folder, "format") })).rejects.toThrow(/ended with 1/);
    await rm(folder, { recursive: true, force: true });
  });

  test("a setting is wrong", async () => {
    await expect(startVelocity({ env: { VELOCITY_DRIVER: "docker" } })).rejects.toThrow(
      /ended with 1[\s\S]*VELOCITY_DRIVER/,
    );
    await expect(startVelocity({ env: { VELOCITY_HOST: "0.0.0.0" } })).rejects.toThrow(
      /ended with 1[\s\S]*sign-in/,
    );
  });
});
