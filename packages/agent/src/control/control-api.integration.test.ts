import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bind, bindSchema, type RunSpec } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { freePort, node, runSpec, type TestAgent, withAgent } from "../test/run-agent.ts";

const TIMEOUT_MS = 20_000;

const server = (port: number): string =>
  `import http from "node:http";
   http.createServer((q, r) => r.end("env " + process.env.WHO + " " + process.pid)).listen(${port}, "127.0.0.1");`;

function bindOf(run: RunSpec, partial: Partial<Bind> = {}): Bind {
  return bindSchema.parse({
    sessionId: randomUUID(),
    projectId: randomUUID(),
    generation: 2,
    files: [],
    deletes: [],
    run,
    ...partial,
  });
}

/** A call as anybody could make it, past what the client would send. */
function raw(
  agent: TestAgent,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; body: string; allow: string | undefined }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { socketPath: join(agent.socketDir, "control.sock"), method, path },
      (response) => {
        let text = "";
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString();
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: text, allow: response.headers.allow }),
        );
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

describe("bind", () => {
  test("makes a running pool member a session's without a restart when nothing differs", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const run = runSpec({ command: node("s.mjs"), port, env: { WHO: "pool" } });
    await withAgent({ files: { "s.mjs": server(port), "a.txt": "same" }, run }, async (agent) => {
      await agent.status("listening");
      const before = (await agent.get()).body;
      const mtime = statSync(join(agent.workspace, "a.txt")).mtimeMs;
      const bind = bindOf(run, {
        files: [
          { path: "a.txt", content: "same", encoding: "utf8" },
          { path: "b.txt", content: "new", encoding: "utf8" },
        ],
      });
      const first = await agent.client.bind(agent.control, bind, agent.signal);
      expect(first).toMatchObject({
        serverRestarted: false,
        identity: { sessionId: bind.sessionId, projectId: bind.projectId, generation: 2 },
      });
      expect(await agent.client.identity(agent.control, agent.signal)).toEqual(first.identity);
      expect(statSync(join(agent.workspace, "a.txt")).mtimeMs).toBe(mtime);
      expect(readFileSync(join(agent.workspace, "b.txt"), "utf8")).toBe("new");
      expect((await agent.get()).body).toBe(before);
      expect(await agent.client.bind(agent.control, bind, agent.signal)).toEqual(first);
    });
  });

  test("restarts the server when its environment differs", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const run = runSpec({ command: node("s.mjs"), port, env: { WHO: "pool" } });
    await withAgent({ files: { "s.mjs": server(port) }, run }, async (agent) => {
      const first = await agent.status("listening");
      const bind = bindOf({ ...run, env: { WHO: "session" } });
      expect((await agent.client.bind(agent.control, bind, agent.signal)).serverRestarted).toBe(true);
      await agent.status("listening", first.seq);
      expect((await agent.get()).body).toContain("env session");
    });
  });

  test("starts what waits unbound", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    await withAgent({ files: { "s.mjs": server(port) } }, async (agent) => {
      await expect.poll(() => existsSync(join(agent.socketDir, "control.sock"))).toBe(true);
      await expect(agent.client.restart(agent.control, agent.signal)).rejects.toMatchObject({
        code: "invalid_state",
      });
      const bind = bindOf(runSpec({ command: node("s.mjs"), port }));
      expect((await agent.client.bind(agent.control, bind, agent.signal)).serverRestarted).toBe(true);
      await agent.status("listening");
    });
  });

  test("of two sessions at once, one gets the container and the other a conflict", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const run = runSpec({ command: node("s.mjs"), port });
    await withAgent({ files: { "s.mjs": server(port) }, run }, async (agent) => {
      await agent.status("listening");
      const results = await Promise.allSettled(
        [bindOf(run), bindOf(run), bindOf(run)].map((bind) =>
          agent.client.bind(agent.control, bind, agent.signal),
        ),
      );
      expect(results.filter((result) => result.status === "fulfilled")).toHaveLength(1);
      for (const result of results) {
        if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "conflict" });
      }
      const { sessionId } = await agent.client.identity(agent.control, agent.signal);
      const later = bindOf(run, { sessionId: bindSchema.shape.sessionId.parse(sessionId), generation: 3 });
      await expect(agent.client.bind(agent.control, later, agent.signal)).rejects.toMatchObject({
        code: "conflict",
      });
    });
  });
});

describe("files", () => {
  const idle = async (use: (agent: TestAgent) => Promise<void>): Promise<void> =>
    withAgent({ files: { "src/a.txt": "a" } }, async (agent) => {
      await expect.poll(() => existsSync(join(agent.socketDir, "control.sock"))).toBe(true);
      await use(agent);
    });

  test("are written, listed, read and deleted; permissions stay; nothing is left beside", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await idle(async ({ client, control, signal, workspace, event }) => {
      chmodSync(join(workspace, "src/a.txt"), 0o755);
      const bytes = Buffer.from([0, 255, 1, 254]);
      await client.writeFile(control, "src/a.txt", bytes, signal);
      await client.writeFile(control, "new/deep/ü #?.bin", bytes, signal);
      expect(await client.readFile(control, "new/deep/ü #?.bin", signal)).toEqual(bytes);
      expect(statSync(join(workspace, "src/a.txt")).mode & 0o777).toBe(0o755);
      mkdirSync(join(workspace, "node_modules/x"), { recursive: true });
      mkdirSync(join(workspace, ".git"));
      const all = await client.listFiles(control, { recursive: true }, signal);
      expect(all.map((item) => item.path).sort()).toEqual([
        "new",
        "new/deep",
        "new/deep/ü #?.bin",
        "src",
        "src/a.txt",
      ]);
      expect((await client.listFiles(control, { path: "src" }, signal)).map((item) => item.path)).toEqual([
        "src/a.txt",
      ]);
      expect(
        await client.applyFiles(control, { files: [], deletes: ["src/a.txt", "src/none"] }, signal),
      ).toEqual({
        written: 0,
        deleted: 1,
      });
      await expect(client.deleteFile(control, "src/a.txt", signal)).rejects.toMatchObject({
        code: "not_found",
      });
      await event((each) => each.type === "file" && each.deleted.includes("src/a.txt"));
    });
  });

  test.each([
    "../out.txt",
    "a/../../out.txt",
    "/etc/x",
    ".git/config",
    "a/node_modules/b",
    "a\\b",
    "a//b",
    "a\u0000b",
  ])("refuses the path %j", { timeout: TIMEOUT_MS }, async (path) => {
    await idle(async (agent) => {
      const body = JSON.stringify({
        files: [
          { path: "good.txt", content: "x" },
          { path, content: "x" },
        ],
        deletes: [],
      });
      const answer = await raw(agent, "POST", "/files", body);
      expect(answer.status).toBe(422);
      expect(answer.body).not.toContain(agent.workspace);
      expect((await raw(agent, "PUT", `/files/${encodeURIComponent(path)}`, "x")).status).toBe(422);
      expect((await raw(agent, "GET", `/files/${encodeURIComponent(path)}`)).status).toBe(422);
      expect(existsSync(join(agent.workspace, "good.txt"))).toBe(false);
    });
  });

  test("never leave the workspace by a link, for reading, writing, deleting, listing or running", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const outside = mkdtempSync(join(tmpdir(), "va-out-"));
    try {
      writeFileSync(join(outside, "secret.txt"), "secret");
      await idle(async ({ client, control, signal, workspace }) => {
        symlinkSync(outside, join(workspace, "folder"));
        symlinkSync(join(outside, "secret.txt"), join(workspace, "file.txt"));
        const refused = { code: "validation" };
        await expect(client.readFile(control, "folder/secret.txt", signal)).rejects.toMatchObject(refused);
        await expect(client.readFile(control, "file.txt", signal)).rejects.toMatchObject(refused);
        await expect(
          client.writeFile(control, "folder/x/new.txt", Buffer.from("x"), signal),
        ).rejects.toMatchObject(refused);
        await expect(client.deleteFile(control, "folder/secret.txt", signal)).rejects.toMatchObject(refused);
        await expect(client.listFiles(control, { path: "folder" }, signal)).rejects.toMatchObject(refused);
        await expect(client.exec(control, { command: ["pwd"], cwd: "folder" }, signal)).rejects.toMatchObject(
          refused,
        );
        const listed = await client.listFiles(control, { recursive: true }, signal);
        expect(listed.some((item) => item.path.includes("secret"))).toBe(false);
        await client.writeFile(control, "file.txt", Buffer.from("own"), signal);
        expect(lstatSync(join(workspace, "file.txt")).isSymbolicLink()).toBe(false);
        await client.deleteFile(control, "folder", signal);
        expect(readFileSync(join(outside, "secret.txt"), "utf8")).toBe("secret");
        expect(existsSync(join(outside, "x"))).toBe(false);
      });
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  test("too large a body is refused without being held", { timeout: TIMEOUT_MS }, async () => {
    await idle(async (agent) => {
      const socket = connect(join(agent.socketDir, "control.sock"));
      let answer = "";
      socket.on("data", (chunk) => {
        answer += chunk.toString();
      });
      socket.write("PUT /files/big HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n");
      await once(socket, "close");
      expect(answer).toContain("HTTP/1.1 413");
      expect(answer).toContain("payload_too_large");
    });
  });
});

describe("calls", () => {
  test("that do not exist, or not with this method, or with a bad body", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await withAgent({}, async (agent) => {
      await expect.poll(() => existsSync(join(agent.socketDir, "control.sock"))).toBe(true);
      expect((await raw(agent, "GET", "/nothing")).status).toBe(404);
      expect((await raw(agent, "GET", "/constructor")).status).toBe(404);
      expect(await raw(agent, "DELETE", "/health")).toMatchObject({ status: 405, allow: "GET" });
      expect((await raw(agent, "POST", "/exec", "{")).body).toContain("invalid_json");
      expect((await raw(agent, "POST", "/exec", '{"command":[]}')).status).toBe(422);
      expect((await raw(agent, "POST", "/bind", "{}")).status).toBe(422);
      expect((await raw(agent, "GET", "/events?since=x")).status).toBe(400);
      expect((await raw(agent, "GET", "/health")).status).toBe(200);
    });
  });

  test("exec: result, environment of the project, exit code, unknown program", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await withAgent({ files: { "sub/x": "" } }, async ({ client, control, signal, status }) => {
      expect(await status("idle")).toMatchObject({ port: null, error: null });
      const run = (command: string[], more = {}): ReturnType<typeof client.exec> =>
        client.exec(control, { command, ...more }, signal);
      await expect
        .poll(() =>
          run(["true"]).then(
            (result) => result.exitCode,
            () => null,
          ),
        )
        .toBe(0);
      expect(
        await run(["sh", "-c", "echo $WHO; pwd; echo err >&2; exit 4"], { env: { WHO: "me" }, cwd: "sub" }),
      ).toMatchObject({
        exitCode: 4,
        stderr: "err\n",
        stdout: expect.stringMatching(/^me\n.*\/sub\n$/),
        truncated: false,
      });
      expect((await run(["no-such-program"])).exitCode).toBe(127);
      expect((await run(["env"])).stdout).not.toContain("VELOCITY_AGENT_CONFIG");
    });
  });

  test("exec: output is capped, and at the timeout the whole tree ends", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await withAgent({}, async ({ client, control, signal, workspace }) => {
      const run = (command: string[], timeoutMs = 5000): ReturnType<typeof client.exec> =>
        client.exec(control, { command, timeoutMs }, signal);
      await expect
        .poll(() =>
          run(["true"]).then(
            (result) => result.exitCode,
            () => null,
          ),
        )
        .toBe(0);
      const flood = await run([process.execPath, "-e", "process.stdout.write('x'.repeat(3e6))"]);
      expect(flood).toMatchObject({ truncated: true, exitCode: 0 });
      expect(flood.stdout.length).toBe(1024 * 1024);
      const script = "setsid sh -c 'echo $$ > pid; exec sleep 1000' & sleep 1000";
      const late = await run(["sh", "-c", script], 400);
      expect(late.exitCode).toBeNull();
      const pid = readFileSync(join(workspace, "pid"), "utf8").trim();
      expect(existsSync(`/proc/${pid}/exe`)).toBe(false);
    });
  });

  test("logs go on from a number, and follow", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = `${server(port)} console.log("first"); let n = 0; setInterval(() => console.log("tick " + n++), 20);`;
    await withAgent(
      { files: { "s.mjs": script }, run: runSpec({ command: node("s.mjs"), port }) },
      async (agent) => {
        await agent.status("listening");
        const lines = async (since: number, count: number): Promise<{ seq: number; text: string }[]> => {
          const found: { seq: number; text: string }[] = [];
          for await (const line of agent.client.logs(agent.control, { since, follow: true }, agent.signal)) {
            found.push(line);
            if (found.length === count) break;
          }
          return found;
        };
        const some = await lines(0, 4);
        expect(some[0]?.text).toBe("first");
        const rest = await lines(some[1]?.seq ?? 0, 2);
        expect(rest).toEqual(some.slice(2));
        expect(readFileSync(agent.config.logFile, "utf8").split("\n")[0]).toContain('"text":"first"');
      },
    );
  });

  test("a reader that does not read is dropped; the agent's memory stays small", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const script = `${server(port)} const line = "x".repeat(4000);
      const go = () => { for (let i = 0; i < 200; i++) console.log(line); setTimeout(go, 5); }; go();`;
    await withAgent(
      { files: { "s.mjs": script }, run: runSpec({ command: node("s.mjs"), port }) },
      async (agent) => {
        await agent.status("listening");
        const slow = connect(join(agent.socketDir, "control.sock"));
        slow.write("GET /events?since=0 HTTP/1.1\r\nHost: a\r\n\r\n");
        slow.pause();
        const dropped = async (): Promise<boolean> =>
          !(await agent.client.health(agent.control, agent.signal)).realtime.connected;
        await expect.poll(dropped, { timeout: 15_000, interval: 100 }).toBe(true);
        slow.destroy();
        const status = readFileSync(`/proc/${agent.process.pid}/status`, "utf8");
        expect(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1])).toBeLessThan(250_000);
      },
    );
  });
});
