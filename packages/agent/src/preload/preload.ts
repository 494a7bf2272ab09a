/**
 * Loaded into every Node process of the dev server's tree through `NODE_OPTIONS`. It gives each HTTP server a second
 * listener, on a Unix socket in the container's socket folder, so that the gateway's bytes reach the program without a
 * port and without a second hop.
 *
 * It must never change what a program does: nothing here may throw, print, keep the process alive or load a module
 * before the program listens. `http.Server` learns of a connection by its `connection` event, whatever kind of socket
 * it is about; TLS servers (Vite with HTTPS) get theirs as `secureConnection`, already in plain text.
 */
import type * as FileSystem from "node:fs";
import type * as Http from "node:http";
import type * as Net from "node:net";

const PAUSE_BEFORE_PROXY_MS = 2000;

interface ListenMessage {
  readonly server: Net.Server;
}

(() => {
  try {
    const socketDir = process.env.VELOCITY_SOCKET_DIR;
    const appPort = Number(process.env.VELOCITY_APP_PORT);
    const wantsProxy = process.env.VELOCITY_LAZY_PROXY === "1";
    if (wantsProxy) proxyOnFirstFetch();
    if (!socketDir || !process.getBuiltinModule) return;
    const channel = process.getBuiltinModule("node:diagnostics_channel");
    channel.subscribe("tracing:net.server.listen:asyncEnd", (message) => {
      try {
        onListen((message as ListenMessage).server, socketDir, appPort, wantsProxy);
      } catch {
        // A program is never disturbed by what is only an addition to it.
      }
    });
  } catch {
    // As above.
  }
})();

function onListen(server: Net.Server, socketDir: string, appPort: number, wantsProxy: boolean): void {
  const address = server.address();
  if (address === null || typeof address === "string") return;
  if (!process.getBuiltinModule("node:worker_threads").isMainThread) return;
  const event = connectionEvent(server);
  if (event === null) return;
  const name = address.port === appPort ? "app.sock" : `port-${address.port}.sock`;
  // A server closed in the same turn was a probe for a free port.
  setImmediate(() => {
    try {
      if (server.listening) expose(server, event, `${socketDir}/${name}`, address.port);
    } catch {
      // The agent notices the port and bridges to it.
    }
  });
  if (wantsProxy) setTimeout(useProxy, PAUSE_BEFORE_PROXY_MS).unref();
}

/** The event by which this server takes over a socket; null: not one that speaks HTTP/1. Port probes are plain `net` servers. */
function connectionEvent(server: Net.Server): "connection" | "secureConnection" | null {
  const { Server } = process.getBuiltinModule("node:http");
  if (server instanceof Server) return "connection";
  // Both kinds of TLS server that speak HTTP/1 listen for requests; a bare `tls.Server` does not.
  const takesRequests = server.listenerCount("request") > 0 && server.listenerCount("secureConnection") > 0;
  return takesRequests ? "secureConnection" : null;
}

let exposed = 0;

function expose(
  server: Net.Server,
  event: "connection" | "secureConnection",
  path: string,
  port: number,
): void {
  const net = process.getBuiltinModule("node:net");
  const fs = process.getBuiltinModule("node:fs");
  const directory = path.slice(0, path.lastIndexOf("/"));
  const temporary = `${directory}/.${process.pid}-${++exposed}`;
  const listener = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    looksLikeLoopback(socket, port);
    server.emit(event, socket);
  });
  listener.on("error", () => {});
  let inode: bigint | null = null;
  const end = (): void => {
    try {
      if (inode !== null && inodeOf(fs, path) === inode) fs.unlinkSync(path);
    } catch {
      // Already gone.
    }
    inode = null;
    atExit.delete(end);
    listener.close();
  };
  listener.listen(temporary, () => {
    try {
      // Sandboxes map one user only, but an engine may run agent and app as two.
      fs.chmodSync(temporary, 0o666);
      if (!server.listening) {
        listener.close();
        return;
      }
      inode = inodeOf(fs, temporary);
      fs.renameSync(temporary, path);
    } catch {
      listener.close();
    }
  });
  listener.unref();
  const close = server.close;
  server.close = function closeBoth(this: Net.Server, ...given: Parameters<Net.Server["close"]>): Net.Server {
    end();
    return close.apply(this, given);
  };
  server.once("close", end);
  endAtExit(end);
}

const atExit = new Set<() => void>();

function endAtExit(end: () => void): void {
  if (atExit.size === 0) {
    process.once("exit", () => {
      for (const each of atExit) each();
    });
  }
  atExit.add(end);
}

function inodeOf(fs: typeof FileSystem, path: string): bigint {
  return fs.lstatSync(path, { bigint: true }).ino;
}

/** `remoteAddress` of a Unix socket is undefined, which frameworks that read the client's address do not survive. */
function looksLikeLoopback(socket: Net.Socket, port: number): void {
  Object.defineProperties(socket, {
    remoteAddress: { value: "127.0.0.1", configurable: true },
    remoteFamily: { value: "IPv4", configurable: true },
    remotePort: { value: 9, configurable: true },
    localAddress: { value: "127.0.0.1", configurable: true },
    localPort: { value: port, configurable: true },
    // HTTP/2 servers that also speak HTTP/1 ask which of them was agreed on.
    alpnProtocol: { value: "http/1.1", configurable: true },
  });
}

let proxied = false;

/** The same as `NODE_USE_ENV_PROXY=1`, which costs every Node start some 40 ms, at the time it is first needed. */
function useProxy(): void {
  if (proxied) return;
  proxied = true;
  try {
    const http: typeof Http & { setGlobalProxyFromEnv?: () => unknown } =
      process.getBuiltinModule("node:http");
    http.setGlobalProxyFromEnv?.();
  } catch {
    // Without it the program has no network, and says so itself.
  }
}

function proxyOnFirstFetch(): void {
  const original = globalThis.fetch;
  const first: typeof fetch = (input, init) => {
    useProxy();
    if (globalThis.fetch === first) globalThis.fetch = original;
    return original(input, init);
  };
  globalThis.fetch = first;
}
