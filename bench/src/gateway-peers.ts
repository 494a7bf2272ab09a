import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { getPage } from "./raw-page.ts";

export const SESSION = "11111111-1111-4111-8111-111111111111";
export const HOST = `${SESSION}.velocity.localhost`;
export const MODULE_PATH = "/module.js";
const MODULE_BYTES = 10 * 1024;

/** The same 10 KB module behind every proxy, each a process of its own. */
export interface GatewayPeers extends AsyncDisposable {
  readonly gatewayPort: number;
  readonly nginxPort: number;
  readonly httpProxyPort: number;
  /** The app itself, over TCP. */
  readonly directPort: number;
}

/** Starts an nginx that serves the module, and before it our gateway, an nginx with one worker, and http-proxy. */
export async function startGatewayPeers(): Promise<GatewayPeers> {
  const dir = await mkdtemp(join(tmpdir(), "velocity-bench-"));
  const children: ChildProcess[] = [];
  const dispose = async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, "exit");
      child.kill("SIGTERM");
      await gone;
    }
    await rm(dir, { recursive: true, force: true });
  };
  try {
    // nginx's workers give up root; they still have to reach the files and the socket.
    await chmod(dir, 0o755);
    const socket = join(dir, "app.sock");
    const [directPort, nginxPort] = [await freePort(), await freePort()];
    await writeFile(join(dir, "module.js"), "export const a = 1;\n".repeat(600).slice(0, MODULE_BYTES));
    const app = `server { listen 127.0.0.1:${directPort}; listen unix:${socket}; keepalive_requests 100000000; root ${dir}; }`;
    const proxy = `upstream app { server unix:${socket}; keepalive 64; }
server { listen 127.0.0.1:${nginxPort}; keepalive_requests 100000000; location / { proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; } }`;
    children.push(await nginx(dir, "app", app));
    await answers(directPort);
    await chmod(socket, 0o777);
    children.push(await nginx(dir, "proxy", proxy));
    await answers(nginxPort);
    const gateway = await nodeProcess("gateway-process.ts", [socket, SESSION]);
    children.push(gateway.child);
    const httpProxy = await nodeProcess("http-proxy-process.ts", [socket]);
    children.push(httpProxy.child);
    for (const port of [gateway.port, httpProxy.port]) await answers(port);
    return {
      gatewayPort: gateway.port,
      nginxPort,
      httpProxyPort: httpProxy.port,
      directPort,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function nginx(dir: string, name: string, servers: string): Promise<ChildProcess> {
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temp = paths.map((path) => `${path}_temp_path ${join(dir, `${name}-${path}`)};`).join(" ");
  const config = join(dir, `${name}.conf`);
  await writeFile(
    config,
    `worker_processes 1; daemon off; pid ${join(dir, `${name}.pid`)}; error_log ${join(dir, `${name}.log`)};
events { worker_connections 4096; }
http { access_log off; types { application/javascript js; } ${temp}
${servers} }`,
  );
  const child = spawn("nginx", ["-c", config, "-p", dir], { stdio: "ignore" });
  await once(child, "spawn");
  return child;
}

async function nodeProcess(
  file: string,
  args: readonly string[],
): Promise<{ child: ChildProcess; port: number }> {
  const script = join(import.meta.dirname, file);
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [first]: unknown[] = await once(child.stdout, "data");
  return { child, port: Number(String(first)) };
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const page = await getPage(port, HOST, MODULE_PATH).catch(() => null);
    if (page?.status === 200 && page.bytes === MODULE_BYTES) return;
    await sleep(50);
  }
  throw new Error(`nothing answers on port ${port}`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
