import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import {
  type AddressInfo,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Endpoint, type SessionId, sessionIdSchema } from "@velocity/contract";
import { RawClient } from "@velocity/testkit";
import { createFrontServer, type Fallback, type FrontServer } from "../front-server.ts";
import { createGateway } from "../gateway.ts";
import type { Gateway } from "../gateway-types.ts";
import type { GatewayLimits } from "../limits.ts";
import { ScriptedLookup } from "./scripted-lookup.ts";

export const DOMAIN = "velocity.localhost";
export const PROBE_SECRET = "probe-secret-of-the-test";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A front server on a random port with everything a test needs beside it. `close` ends all of it. */
export class Rig {
  readonly lookup = new ScriptedLookup();
  readonly gateway: Gateway;
  readonly front: FrontServer;
  readonly dir = mkdtempSync(join(tmpdir(), "velocity-gateway-"));
  readonly #closers: (() => Promise<void> | void)[] = [];
  port = 0;

  private constructor(
    limits: Partial<GatewayLimits>,
    fallback: Partial<Fallback>,
    hosts: readonly string[] | undefined,
  ) {
    this.gateway = createGateway({
      domain: DOMAIN,
      lookup: this.lookup,
      probeSecret: PROBE_SECRET,
      editorOrigins: ["http://velocity.localhost:4400"],
      log: silent,
      limits,
    });
    this.front = createFrontServer({
      gateway: this.gateway,
      fallback: {
        request: (_req, res) => res.end("fallback"),
        upgrade: (_req, socket) => socket.destroy(),
        ...fallback,
      },
      ...(hosts === undefined ? {} : { fallbackHosts: hosts }),
    });
  }

  static async start(
    options: {
      limits?: Partial<GatewayLimits>;
      fallback?: Partial<Fallback>;
      hosts?: readonly string[];
    } = {},
  ): Promise<Rig> {
    const rig = new Rig(options.limits ?? {}, options.fallback ?? {}, options.hosts);
    await new Promise<void>((resolve) => rig.front.server.listen(0, "127.0.0.1", resolve));
    rig.port = (rig.front.server.address() as AddressInfo).port;
    return rig;
  }

  id(): SessionId {
    return sessionIdSchema.parse(randomUUID());
  }

  host(id: SessionId, port?: number): string {
    return `${id}${port === undefined ? "" : `--${port}`}.${DOMAIN}:${this.port}`;
  }

  socketPath(): string {
    return join(this.dir, `${randomUUID().slice(0, 8)}.sock`);
  }

  /** An HTTP server on a Unix socket, as a dev server in a container is. */
  async app(
    listener: RequestListener,
    path = this.socketPath(),
  ): Promise<{ endpoint: Endpoint; server: Server }> {
    const server = createHttpServer(listener);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    this.#closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { endpoint: { kind: "unix", path }, server };
  }

  /** A hostile container: whatever bytes the test likes. */
  async raw(
    onSocket: (socket: Socket) => void,
    path = this.socketPath(),
  ): Promise<{ endpoint: Endpoint; server: NetServer }> {
    const open = new Set<Socket>();
    const server = createNetServer({ allowHalfOpen: true }, (socket) => {
      open.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => open.delete(socket));
      onSocket(socket);
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    this.#closers.push(() => {
      for (const socket of open) socket.destroy();
      server.close();
    });
    return { endpoint: { kind: "unix", path }, server };
  }

  async client(timeoutMs?: number): Promise<RawClient> {
    const client = await RawClient.open({
      port: this.port,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    this.#closers.push(() => client.destroy());
    return client;
  }

  /** One request on a connection of its own. */
  async get(id: SessionId, target = "/", headers: Readonly<Record<string, string>> = {}) {
    const client = await this.client();
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    client.write(`GET ${target} HTTP/1.1\r\nHost: ${this.host(id)}\r\n${lines.join("")}\r\n`);
    const response = await client.response();
    client.destroy();
    return response;
  }

  onClose(closer: () => Promise<void> | void): void {
    this.#closers.push(closer);
  }

  async close(): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) await closer();
    this.gateway.close();
    await this.front.close(0);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Resolves once the condition holds; looks on every turn of the loop and fails after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > giveUpAt) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
