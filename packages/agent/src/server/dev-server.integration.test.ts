import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { freePort, node, runSpec, type TestAgent, withAgent } from "../test/run-agent.ts";
import { readProcesses } from "./process-tree.ts";

const TIMEOUT_MS = 30_000;
const REPOSITORY_MODULES = join(import.meta.dirname, "../../../../node_modules");

const httpServer = (port: number, body = "hello"): string => `
import http from "node:http";
http.createServer((q, r) => r.end("${body} " + q.socket.remoteAddress + " " + q.url))
  .listen(${port}, "127.0.0.1", () => console.log("up"));
`;

describe("a Node server accepts the app socket by itself", () => {
  test("and sees a loopback client", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    await withAgent(
      { files: { "s.mjs": httpServer(port) }, run: runSpec({ command: node("s.mjs"), port }) },
      async (agent) => {
        expect(await agent.status("listening")).toMatchObject({ port, error: null });
        expect(await agent.get("/x?y=1")).toMatchObject({ status: 200, body: "hello 127.0.0.1 /x?y=1" });
      },
    );
  });

  test("while probes for a free port and servers in workers are left alone", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const script = `
      import http from "node:http";
      import net from "node:net";
      import { Worker } from "node:worker_threads";
      const close = (server) => new Promise((done) => server.close(done));
      const listen = (server) => new Promise((done) => server.listen(${port}, "127.0.0.1", done));
      const plain = net.createServer(); await listen(plain); await close(plain);
      const probe = http.createServer(); probe.on("listening", () => probe.close()); await listen(probe);
      await new Promise((done) => new Worker(\`
        const { parentPort } = require("node:worker_threads");
        const s = require("node:http").createServer((q, r) => r.end("worker"));
        s.listen(0, "127.0.0.1", () => parentPort.postMessage(s.address().port));
      \`, { eval: true }).on("message", (n) => { console.log("worker " + n); done(); }));
      http.createServer((q, r) => r.end("app")).listen(${port}, "127.0.0.1");
    `;
    await withAgent(
      { files: { "s.mjs": script }, run: runSpec({ command: node("s.mjs"), port }) },
      async (agent) => {
        await agent.status("listening");
        expect((await agent.get()).body).toBe("app");
        const line = await agent.event((each) => each.type === "log" && each.line.text.startsWith("worker "));
        const workerPort = line.type === "log" ? line.line.text.slice(7) : "";
        expect(existsSync(join(agent.socketDir, `port-${workerPort}.sock`))).toBe(false);
      },
    );
  });

  test("in a forked child below a shell too, and its further ports have sockets", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const [port, further] = [await freePort(), await freePort()];
    const files = {
      "parent.mjs": `import { fork } from "node:child_process"; fork("./child.mjs");`,
      "child.mjs": `${httpServer(port)}
        http.createServer((q, r) => r.end("further")).listen(${further}, "127.0.0.1");`,
    };
    await withAgent(
      { files, run: runSpec({ command: ["sh", "-c", "node parent.mjs; true"], port }) },
      async (agent) => {
        await agent.status("listening");
        expect((await agent.get()).status).toBe(200);
        const socket = join(agent.socketDir, `port-${further}.sock`);
        await expect.poll(() => existsSync(socket)).toBe(true);
        expect((await agent.get("/", {}, socket)).body).toBe("further");
      },
    );
  });

  test("and WebSockets by it", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = `
      import http from "node:http"; import { WebSocketServer } from "ws";
      const server = http.createServer(); const sockets = new WebSocketServer({ server });
      sockets.on("connection", (ws) => ws.on("message", (m) => ws.send("echo " + m)));
      server.listen(${port}, "127.0.0.1");
    `;
    await withAgent(
      { files: { "s.mjs": script }, run: runSpec({ command: ["sh", "-c", "sleep 0.05; node s.mjs"], port }) },
      async (agent) => {
        symlinkSync(REPOSITORY_MODULES, join(agent.workspace, "node_modules"));
        await agent.status("listening");
        const socket = new WebSocket(`ws+unix://${agent.appSocket}:/`);
        await once(socket, "open");
        const large = "x".repeat(200_000);
        socket.send(large);
        const [message] = await once(socket, "message");
        expect(String(message)).toBe(`echo ${large}`);
        socket.terminate();
      },
    );
  });

  test.each([
    ["HTTPS", `(await import("node:https")).createServer(tls, answer)`],
    [
      "HTTP/2 and HTTPS",
      `(await import("node:http2")).createSecureServer({ ...tls, allowHTTP1: true }, answer)`,
    ],
  ])(
    "when it speaks %s: the gateway's plain bytes are answered",
    { timeout: TIMEOUT_MS },
    async (_name, made) => {
      const port = await freePort();
      const files = {
        "s.mjs": `import { execFileSync } from "node:child_process"; import fs from "node:fs";
        execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-days", "1", "-subj", "/CN=localhost"], { stdio: "ignore" });
        const tls = { key: fs.readFileSync("k.pem"), cert: fs.readFileSync("c.pem") };
        const answer = (q, r) => r.end("secure " + q.httpVersion);
        ${made}.listen(${port}, "127.0.0.1");`,
      };
      await withAgent({ files, run: runSpec({ command: node("s.mjs"), port }) }, async (agent) => {
        await agent.status("listening");
        expect((await agent.get()).body).toBe("secure 1.1");
      });
    },
  );

  test("and takes it up again after it restarted itself", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = `
      import http from "node:http";
      const start = (body) => new Promise((done) => { const s = http.createServer((q, r) => {
        if (q.url === "/again") { r.end(); s.close(); s.closeAllConnections(); setTimeout(() => start("second"), 400); return; }
        r.end(body); }); s.listen(${port}, "127.0.0.1", done); });
      await start("first");
    `;
    await withAgent(
      { files: { "s.mjs": script }, run: runSpec({ command: node("s.mjs"), port }) },
      async (agent) => {
        const first = await agent.status("listening");
        expect((await agent.get()).body).toBe("first");
        await agent.get("/again").catch(() => null);
        const away = await agent.status("starting", first.seq);
        expect((await agent.get("/", { accept: "text/html" })).status).toBe(503);
        await agent.status("listening", away.seq);
        expect((await agent.get()).body).toBe("second");
      },
    );
  });
});

describe("what does not take the socket by itself is bridged to", () => {
  const canPython = existsSync("/usr/bin/python3");
  test.skipIf(!canPython)(
    `a program that is not Node${canPython ? "" : " (skipped: no python3)"}`,
    { timeout: TIMEOUT_MS },
    async () => {
      const port = await freePort();
      const command = ["python3", "-m", "http.server", String(port), "--bind", "127.0.0.1"];
      await withAgent(
        { files: { "index.html": "<h1>plain</h1>" }, run: runSpec({ command, port, listen: "bridge" }) },
        async (agent) => {
          expect((await agent.status("listening")).port).toBe(port);
          expect(await agent.get("/index.html")).toMatchObject({ status: 200, body: "<h1>plain</h1>" });
        },
      );
    },
  );

  test("a Node server bound to ::1 only, without the preload", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = httpServer(port, "six").replace("127.0.0.1", "::1");
    const command = ["sh", "-c", "NODE_OPTIONS= exec node s.mjs"];
    await withAgent({ files: { "s.mjs": script }, run: runSpec({ command, port }) }, async (agent) => {
      await agent.status("listening");
      expect((await agent.get("/q")).body).toBe("six ::1 /q");
    });
  });
});

describe("a server on another port than told is adopted", () => {
  test.each(["preload", "bridge"] as const)("%s", { timeout: TIMEOUT_MS }, async (listen) => {
    const [told, real] = [await freePort(), await freePort()];
    const run = runSpec({ command: node("s.mjs"), port: told, listen });
    await withAgent({ files: { "s.mjs": httpServer(real) }, run }, async (agent) => {
      expect((await agent.status("listening")).port).toBe(real);
      expect((await agent.get()).status).toBe(200);
      await agent.event(
        (each) => each.type === "log" && each.line.text.includes(`port ${real} instead of ${told}`),
      );
    });
  });

  test("but not a port of somebody else's", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const run = runSpec({
      command: node("s.mjs"),
      port,
      listen: "bridge",
      ready: { path: "/", timeoutMs: 2500 },
    });
    const stranger = createServer((_request, response) => response.end("stranger"));
    stranger.listen(port, "127.0.0.1");
    await once(stranger, "listening");
    try {
      await withAgent({ files: { "s.mjs": "setInterval(() => {}, 1e6)" }, run }, async (agent) => {
        expect((await agent.status("failed")).error?.code).toBe("server_not_listening");
        expect((await agent.client.health(agent.control, agent.signal)).devServerPort).toBeNull();
        expect((await agent.get()).body).not.toContain("stranger");
      });
    } finally {
      stranger.close();
    }
  });
});

describe("a failed server is explained, and started again on a change", () => {
  const broken = `console.error("boom <script>alert(1)</script>"); process.exit(3)`;

  test("one that exits: code, log, page, and the file that corrects it", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const run = runSpec({ command: node("s.mjs"), port });
    await withAgent({ files: { "s.mjs": broken }, run }, async (agent) => {
      const failed = await agent.status("failed");
      expect(failed.error).toMatchObject({
        code: "server_exited",
        message: "The dev server exited with code 3.",
      });
      expect(failed.error?.log.join("\n")).toContain("boom");
      await expect.poll(() => existsSync(agent.appSocket)).toBe(true);
      const page = await agent.get("/", { accept: "text/html", "sec-fetch-dest": "document" });
      expect(page.status).toBe(502);
      expect(page.headers["content-type"]).toContain("text/html");
      expect(page.body).toContain("&lt;script&gt;alert(1)");
      expect(page.body).not.toContain("<script>alert(1)");
      const asset = await agent.get("/a.js", { accept: "*/*", "sec-fetch-dest": "script" });
      expect(asset).toMatchObject({ status: 502, body: "The dev server exited with code 3.\n" });
      const api = await agent.get("/api", { accept: "application/json" });
      expect(JSON.parse(api.body)).toMatchObject({ code: "server_exited", status: 502 });

      await agent.client.writeFile(agent.control, "s.mjs", Buffer.from(httpServer(port)), agent.signal);
      await agent.status("listening", failed.seq);
      expect((await agent.get()).status).toBe(200);
    });
  });

  test("also by a save on disk, deep in the project", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const files = {
      "s.mjs": `import "./src/deep/part.mjs";\n${httpServer(port)}`,
      "src/deep/part.mjs": broken,
    };
    await withAgent({ files, run: runSpec({ command: node("s.mjs"), port }) }, async (agent) => {
      const failed = await agent.status("failed");
      await expect.poll(async () => (await agent.get("/").catch(() => null))?.status).toBe(502);
      writeFileSync(join(agent.workspace, "src/deep/part.mjs"), "");
      await agent.status("listening", failed.seq);
    });
  });

  test("and by a save that comes while it is being started again", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = `import fs from "node:fs"; const ok = fs.existsSync("fixed.txt"); console.log("read " + ok);
      if (ok) await import("./app.mjs"); else setTimeout(() => process.exit(1), fs.existsSync("first.txt") ? 600 : 0);`;
    const run = runSpec({ command: node("s.mjs"), port });
    await withAgent({ files: { "s.mjs": script, "app.mjs": httpServer(port) }, run }, async (agent) => {
      const failed = await agent.status("failed");
      await expect.poll(async () => (await agent.get("/").catch(() => null))?.status).toBe(502);
      writeFileSync(join(agent.workspace, "first.txt"), "");
      const read = await agent.event(
        (each) => each.type === "log" && each.line.text === "read false",
        failed.seq,
      );
      writeFileSync(join(agent.workspace, "fixed.txt"), "");
      await agent.status("listening", read.seq);
    });
  });

  test("one that cannot be started at all", { timeout: TIMEOUT_MS }, async () => {
    const run = runSpec({ command: ["no-such-program-here"], port: await freePort() });
    await withAgent({ run }, async (agent) => {
      const { error } = await agent.status("failed");
      expect(error).toMatchObject({ code: "server_exited" });
      expect(error?.message).toBe('The program "no-such-program-here" was not found.');
    });
  });

  test("below a watcher that lives on, with its last words; the watcher's own start counts", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const [program = ""] = node("s.mjs");
    const run = runSpec({ command: [program, "--watch", "s.mjs"], port });
    await withAgent({ files: { "s.mjs": `throw new Error("boom")` }, run }, async (agent) => {
      const failed = await agent.status("failed");
      expect(failed.error).toMatchObject({ code: "server_exited", message: "The dev server ended." });
      expect(failed.error?.log.join("\n")).toContain("boom");
      writeFileSync(join(agent.workspace, "s.mjs"), httpServer(port));
      const up = await agent.status("listening", failed.seq);
      expect((await agent.get()).status).toBe(200);
      writeFileSync(join(agent.workspace, "s.mjs"), `throw new Error("bang")`);
      const again = await agent.status("failed", up.seq);
      expect(again.error?.log.join("\n")).toContain("bang");
    });
  });

  test("one that is late: reported, and still taken when it listens", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = `import fs from "node:fs"; import http from "node:http";
      const timer = setInterval(() => { if (!fs.existsSync("go")) return; clearInterval(timer);
        http.createServer((q, r) => r.end("late")).listen(${port}, "127.0.0.1"); }, 20);`;
    const run = runSpec({ command: node("s.mjs"), port, ready: { path: "/", timeoutMs: 300 } });
    await withAgent({ files: { "s.mjs": script }, run }, async (agent) => {
      const failed = await agent.status("failed");
      expect(failed.error?.code).toBe("server_not_listening");
      mkdirSync(join(agent.workspace, ".cache"));
      writeFileSync(join(agent.workspace, "go"), "");
      await agent.status("listening", failed.seq);
      expect((await agent.get()).body).toBe("late");
    });
  });

  test("a failing install, and one that works then", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const install = { command: ["sh", "-c", "echo fetching; test -f ok || exit 7"], env: {} };
    const run = runSpec({ command: node("s.mjs"), port, install });
    await withAgent({ files: { "s.mjs": httpServer(port), "package.json": "{}" }, run }, async (agent) => {
      await agent.status("installing");
      const failed = await agent.status("failed");
      expect(failed.error).toMatchObject({ code: "install_failed", log: ["fetching"] });
      await agent.event((each) => each.type === "log" && each.line.source === "install");
      await agent.client.writeFile(agent.control, "ok", Buffer.from("1"), agent.signal);
      await agent.status("listening", failed.seq);
    });
  });
});

describe("sockets", () => {
  test("left by an earlier run are not taken for a server", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = `import fs from "node:fs"; const timer = setInterval(() => { if (!fs.existsSync("go")) return;
      clearInterval(timer); import("./app.mjs"); }, 20);`;
    const run = runSpec({ command: node("s.mjs"), port, ready: { path: "/", timeoutMs: 700 } });
    const stale = ["app.sock", "port-1234.sock", ".17-2"];
    await withAgent(
      { files: { "s.mjs": script, "app.mjs": httpServer(port) }, run, stale },
      async (agent) => {
        const failed = await agent.status("failed");
        expect(failed.error?.code).toBe("server_not_listening");
        for (const name of stale.slice(1)) expect(existsSync(join(agent.socketDir, name))).toBe(false);
        writeFileSync(join(agent.workspace, "go"), "");
        await agent.status("listening", failed.seq);
      },
    );
  });

  test("during a restart, the page stands in", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    const script = `import fs from "node:fs"; const again = fs.existsSync("ran"); fs.writeFileSync("ran", "");
      const timer = setInterval(() => { if (again && !fs.existsSync("go.txt")) return;
      clearInterval(timer); import("./app.mjs"); }, 20);`;
    const run = runSpec({ command: node("s.mjs"), port });
    await withAgent({ files: { "s.mjs": script, "app.mjs": httpServer(port) }, run }, async (agent) => {
      const first = await agent.status("listening");
      await agent.client.restart(agent.control, agent.signal);
      await agent.status("starting", first.seq);
      const html = { accept: "text/html" };
      await expect.poll(async () => (await agent.get("/", html).catch(() => null))?.status).toBe(503);
      expect((await agent.get("/", html)).body).toContain("The dev server is starting");
      writeFileSync(join(agent.workspace, "go.txt"), "");
      await agent.status("listening", first.seq + 1);
      expect((await agent.get()).status).toBe(200);
    });
  });

  test("a command that cannot even be tried is a failed server", { timeout: TIMEOUT_MS }, async () => {
    const run = runSpec({ command: ["a\u0000b"], port: await freePort() });
    await withAgent({ run }, async (agent) => {
      expect((await agent.status("failed")).error?.code).toBe("server_exited");
    });
  });
});

describe("processes", () => {
  test("a crash is followed by a new start, until it happens too often", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const script = `${httpServer(port)}
      import fs from "node:fs"; fs.appendFileSync("starts", "x"); setTimeout(() => process.exit(1), 150);`;
    await withAgent(
      { files: { "s.mjs": script }, run: runSpec({ command: node("s.mjs"), port }) },
      async (agent) => {
        const failed = await agent.status("failed");
        expect(failed.error?.code).toBe("server_exited");
        expect(readFileSync(join(agent.workspace, "starts"), "utf8")).toBe("xxxx");
      },
    );
  });

  test("a restart leaves nothing of the old tree, not even what left its session", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const port = await freePort();
    const marker = `marker-${port}`;
    const script = `import { spawn } from "node:child_process";
      spawn("sh", ["-c", "sleep 1000 & sleep 1000", "${marker}"], { detached: true, stdio: "ignore" }).unref();
      process.on("SIGTERM", () => {});
      ${httpServer(port)}`;
    await withAgent(
      { files: { "s.mjs": script }, run: runSpec({ command: ["sh", "-c", "node s.mjs & wait"], port }) },
      async (agent) => {
        const first = await agent.status("listening");
        const before = treeBelow(agent);
        expect(before.length).toBeGreaterThan(4);
        await agent.client.restart(agent.control, agent.signal);
        await agent.status("listening", first.seq);
        const after = new Set(treeBelow(agent));
        expect(before.filter((pid) => after.has(pid))).toEqual([]);
        expect(before.filter((pid) => existsSync(`/proc/${pid}/exe`) && isMarked(pid, marker))).toEqual([]);
      },
    );
  });

  test("ending the agent ends the server and takes its sockets away", { timeout: TIMEOUT_MS }, async () => {
    const port = await freePort();
    await withAgent(
      { files: { "s.mjs": httpServer(port) }, run: runSpec({ command: node("s.mjs"), port }) },
      async (agent) => {
        await agent.status("listening");
        agent.process.kill("SIGTERM");
        await once(agent.process, "exit");
        expect(existsSync(agent.appSocket)).toBe(false);
        const refused = connect({ port, host: "127.0.0.1" });
        const [error] = await once(refused, "error");
        expect(error.code).toBe("ECONNREFUSED");
      },
    );
  });
});

test("Vite: page, module and hot reload over the app socket", { timeout: TIMEOUT_MS }, async () => {
  const port = await freePort();
  const files = {
    "index.html": `<!doctype html><script type="module" src="/main.js"></script>`,
    "main.js": `import { text } from "./text.js"; document.title = text; import.meta.hot.accept("./text.js", () => {});`,
    "text.js": `export const text = "one";`,
    "vite.config.js": "export default {}",
  };
  const vite = join(REPOSITORY_MODULES, "vite/bin/vite.js");
  const run = runSpec({ command: [process.execPath, vite, "--port", String(port), "--strictPort"], port });
  await withAgent({ files, run }, async (agent) => {
    await agent.status("listening");
    expect((await agent.get("/", { accept: "text/html" })).body).toContain("/@vite/client");
    const client = await agent.get("/@vite/client");
    const token = /wsToken = "([^"]+)"/.exec(client.body)?.[1];
    expect((await agent.get("/main.js")).body).toContain("/text.js");
    expect((await agent.get("/text.js")).status).toBe(200);
    const socket = new WebSocket(`ws+unix://${agent.appSocket}:/?token=${token}`, "vite-hmr", {
      headers: { host: "x.localhost" },
    });
    const messages: string[] = [];
    socket.on("message", (data) => messages.push(String(data)));
    await once(socket, "open");
    await agent.client.writeFile(
      agent.control,
      "text.js",
      Buffer.from(`export const text = "two";`),
      agent.signal,
    );
    await expect.poll(() => messages.join(), { timeout: 5000 }).toContain('"type":"update"');
    expect((await agent.get("/text.js?t=1")).body).toContain("two");
    socket.terminate();
  });
});

function treeBelow(agent: TestAgent): number[] {
  const rows = readProcesses();
  const found = new Set([agent.process.pid]);
  for (let grew = true; grew; ) {
    grew = false;
    for (const row of rows) {
      if (found.has(row.pid) || !found.has(row.parent)) continue;
      found.add(row.pid);
      grew = true;
    }
  }
  found.delete(agent.process.pid);
  return [...found].filter((pid) => pid !== undefined);
}

function isMarked(pid: number, marker: string): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(marker);
}
