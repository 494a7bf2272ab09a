import { chmod, chown, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { NetworkPolicy } from "@velocity/contract";
import { dialTarget, EgressRefused, type Resolve, systemResolve } from "./egress-dial.ts";
import { decideEgress, type EgressSettings, type HostPort, parseHostPort } from "./egress-policy.ts";
import { createAddressPolicy } from "./public-address.ts";
import { rememberingResolve } from "./remembering-resolve.ts";

export interface EgressProxyOptions {
  /** Where it listens; the folder must be one that the sandbox cannot write. An old socket there is replaced. */
  readonly socketPath: string;
  /** Group that may connect besides the caller; null: the caller only. Needs root. */
  readonly gid: number | null;
  readonly policy: NetworkPolicy;
  /** Asked at the first connection, and for each one: cache it. */
  readonly settings: () => Promise<EgressSettings>;
  /** Told of every refusal, for the operator's log. */
  readonly onRefused?: (target: string, reason: string) => void;
  /** Default: the system's, with each answer remembered for a short while. */
  readonly resolve?: Resolve;
}

export interface EgressProxy {
  /** Ends the listener and every connection, and removes the socket. */
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 256;
const IDLE_TIMEOUT_MS = 5 * 60_000;
const HOP_HEADERS = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The only way out of a sandbox: an HTTP proxy (CONNECT, and plain `http:` requests) on a Unix socket. What it connects to
 * is decided by the policy, by name and then by resolved address.
 */
export async function createEgressProxy(options: EgressProxyOptions): Promise<EgressProxy> {
  const addresses = createAddressPolicy();
  const resolve = options.resolve ?? rememberingResolve(systemResolve, () => performance.now());
  const open = new Set<Duplex>();
  const track = <T extends Duplex>(socket: T): T => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
    return socket;
  };
  const dial = async (target: HostPort): Promise<Socket> => {
    const settings = await options.settings();
    const decision = decideEgress(options.policy, settings, target);
    if (decision.kind === "refuse") throw new EgressRefused(403, decision.reason);
    const socket = await dialTarget(target, decision, settings.upstream, addresses, resolve);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
    return track(socket);
  };
  const refusal = (target: string, error: unknown): EgressRefused => {
    const refused =
      error instanceof EgressRefused ? error : new EgressRefused(502, "the host does not answer");
    options.onRefused?.(target, refused.message);
    return refused;
  };
  const server = createServer({ maxHeaderSize: 32_768, headersTimeout: 15_000, requestTimeout: 0 });
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket) => {
    track(socket);
    socket.setTimeout(IDLE_TIMEOUT_MS, () => socket.destroy());
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("upgrade", (_request, socket) => endWith(socket, 501, "use CONNECT"));
  server.on("connect", async (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    client.on("error", () => client.destroy());
    const target = parseHostPort(incoming.url ?? "", null);
    if (target === null) return endWith(client, 400, "malformed target");
    try {
      const upstream = await dial(target);
      upstream.on("error", () => client.destroy());
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
      if (client.destroyed) return upstream.destroy();
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      if (head.length > 0) upstream.write(head);
      client.pipe(upstream);
      upstream.pipe(client);
    } catch (error) {
      const refused = refusal(`${target.host}:${target.port}`, error);
      endWith(client, refused.status, refused.message);
    }
  });
  server.on("request", async (incoming: IncomingMessage, response: ServerResponse) => {
    const url = URL.parse(incoming.url ?? "");
    const target = url?.protocol === "http:" ? parseHostPort(url.host, 80) : null;
    if (url === null || target === null) return answer(response, 400, "send an absolute http: address");
    try {
      const upstream = await dial(target);
      const sent = request({
        createConnection: () => upstream,
        method: incoming.method ?? "GET",
        path: `${url.pathname}${url.search}`,
        headers: { ...endToEnd(incoming), host: url.host, connection: "close" },
        setHost: false,
      });
      sent.once("error", (error) => answer(response, 502, refusal(url.host, error).message));
      sent.once("response", (received) => {
        received.once("error", () => response.destroy());
        response.writeHead(received.statusCode ?? 502, endToEnd(received));
        received.pipe(response);
      });
      response.once("close", () => sent.destroy());
      incoming.pipe(sent);
    } catch (error) {
      const refused = refusal(url.host, error);
      answer(response, refused.status, refused.message);
    }
  });
  await rm(options.socketPath, { force: true });
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen({ path: options.socketPath, backlog: 128 }, () => done());
  });
  server.unref();
  if (options.gid !== null) await chown(options.socketPath, 0, options.gid);
  await chmod(options.socketPath, options.gid === null ? 0o600 : 0o660);
  return {
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      for (const socket of open) socket.destroy();
      await closed;
      await rm(options.socketPath, { force: true });
    },
  };
}

function endToEnd(message: IncomingMessage): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  const named = (message.headers.connection ?? "").toLowerCase().split(/\s*,\s*/);
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined && !HOP_HEADERS.has(name) && !named.includes(name)) kept[name] = value;
  }
  return kept;
}

function endWith(socket: Duplex, status: number, reason: string): void {
  const body = `${reason}\n`;
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function answer(response: ServerResponse, status: number, reason: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "text/plain", connection: "close" }).end(`${reason}\n`);
}
