import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startVelocity } from "./src/velocity.ts";

interface Session {
  readonly id: string;
  readonly state: string;
  readonly level: string | null;
  readonly url: string;
  readonly container: { readonly id: string; readonly generation: number } | null;
}
interface Started {
  readonly session: Session;
  readonly source: string;
}

/** GET on the preview's own host; Node does not resolve `*.localhost`. */
function open(session: Session, port: number, path = "/"): Promise<{ status: number; body: string }> {
  return new Promise((done, fail) => {
    const headers = { host: new URL(session.url).host };
    const call = request({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => done({ status: response.statusCode ?? 0, body }));
    });
    call.on("error", fail).end();
  });
}

/** Processes in sandboxes of these containers: each sandbox is told its container's id. */
function sandboxesOf(containers: readonly string[]): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words =
          readFileSync(`/proc/${pid}/cmdline`, "utf8") + readFileSync(`/proc/${pid}/environ`, "utf8");
        return containers.some((id) => words.includes(id));
      } catch {
        return false;
      }
    });
}

describe("what outlives the server, and what does not", () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "velocity-survival-"));
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));

  test("kill -9: the next server finds the container and goes on with it", async () => {
    const first = await startVelocity({ dataDir });
    const { session } = await first.api<Started>("POST", "/api/sessions/start", {
      projectId: randomUUID(),
      template: "vanilla",
    });
    const serverPid = await first.printed(/ready in/).then(() => serverProcess(first.port));
    process.kill(serverPid, "SIGKILL");
    await first.end("SIGKILL");
    expect(sandboxesOf([containerOf(session)]).length).toBeGreaterThan(0);

    await using second = await startVelocity({ dataDir, port: first.port });
    const found = await second.api<Session>("GET", `/api/sessions/${session.id}`);
    expect(found.state).toBe("active");
    expect(found.container).toEqual(session.container);
    expect((await open(session, second.port, "/src/main.js")).status).toBe(200);
  });

  test("Ctrl-C: every sandbox ends, and the next server wakes the session by a request", async () => {
    const first = await startVelocity({ dataDir });
    const { session } = await first.api<Started>("POST", "/api/sessions/start", {
      projectId: randomUUID(),
      template: "vanilla",
    });
    const containers = await readdir(join(dataDir, "containers"));
    expect(sandboxesOf(containers).length).toBeGreaterThan(0);
    await first.pressCtrlC();
    expect(sandboxesOf(containers)).toEqual([]);

    await using second = await startVelocity({ dataDir, port: first.port });
    const slept = await second.api<Session>("GET", `/api/sessions/${session.id}`);
    expect(slept).toMatchObject({ state: "suspended", level: "hibernated" });
    expect((await open(session, second.port, "/src/main.js")).status).toBe(200);
    expect(await second.api<Session>("GET", `/api/sessions/${session.id}`)).toMatchObject({
      state: "active",
    });
  });

  test("SIGTERM: containers go on for the next server", async () => {
    const first = await startVelocity({ dataDir });
    const { session } = await first.api<Started>("POST", "/api/sessions/start", {
      projectId: randomUUID(),
      template: "vanilla",
    });
    expect(await first.end("SIGTERM")).toBe(0);
    expect(sandboxesOf([containerOf(session)]).length).toBeGreaterThan(0);
    await using second = await startVelocity({ dataDir, port: first.port });
    expect((await open(session, second.port, "/src/main.js")).status).toBe(200);
  });

  test("terminate leaves no process and no folder", async () => {
    await using velocity = await startVelocity({ dataDir, env: { VELOCITY_POOL_SIZE: "0" } });
    const containers = await readdir(join(dataDir, "containers"));
    for (const { id } of (await velocity.api<{ items: Session[] }>("GET", "/api/sessions")).items) {
      await velocity.api("POST", `/api/sessions/${id}/terminate`);
    }
    expect(containers.length).toBeGreaterThan(0);
    expect(sandboxesOf(containers)).toEqual([]);
    expect(await readdir(join(dataDir, "containers"))).toEqual([]);
  });

  test("twenty starts at once give one session and one container, and everyone the same answer", async () => {
    await using velocity = await startVelocity({ dataDir, env: { VELOCITY_POOL_SIZE: "0" } });
    const projectId = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        velocity.api<Started>("POST", "/api/sessions/start", { projectId, template: "vanilla" }),
      ),
    );
    expect(new Set(answers.map(({ session }) => session.id)).size).toBe(1);
    expect(new Set(answers.map(({ session }) => session.container?.id)).size).toBe(1);
    expect(await readdir(join(dataDir, "containers"))).toHaveLength(1);
  });
});

function containerOf(session: Session): string {
  if (session.container === null) throw new Error("the session has no container");
  return session.container.id;
}

/** The process that listens: npm and its shell are others. */
function serverProcess(port: number): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      if (environment.includes(`VELOCITY_PORT=${port}\0`) && command.includes("apps/server/src/main.ts"))
        return Number(pid);
    } catch {
      // It ended meanwhile.
    }
  }
  throw new Error("the server's process was not found");
}
