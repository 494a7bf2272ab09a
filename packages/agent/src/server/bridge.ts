import { connect, type Socket } from "node:net";

/** Where a server was found listening. IPv6 loopback is tried too, since a program may be bound to one of them only. */
export interface LoopbackPort {
  readonly port: number;
  readonly host: string;
}

/** Connects two sockets until both directions have ended; the end of one direction leaves the other open. */
export function splice(client: Socket, upstream: Socket): void {
  const destroyBoth = (): void => {
    client.destroy();
    upstream.destroy();
  };
  client.on("error", destroyBoth);
  upstream.on("error", destroyBoth);
  client.on("close", destroyBoth);
  upstream.on("close", destroyBoth);
  client.pipe(upstream);
  upstream.pipe(client);
}

/** Dials a loopback port on its own address, then on the other family. Null: nobody answers. */
export async function dialLoopback(to: LoopbackPort): Promise<Socket | null> {
  const other = to.host === "::1" ? "127.0.0.1" : "::1";
  return (await dial(to.port, to.host)) ?? (await dial(to.port, other));
}

function dial(port: number, host: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, noDelay: true, allowHalfOpen: true });
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", () => resolve(null));
  });
}

const PROBE_TIMEOUT_MS = 3000;

/** Whether what listens speaks HTTP/1: asks for a path and looks at the first bytes of the answer. */
export function speaksHttp(socket: Socket, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => finish(false), PROBE_TIMEOUT_MS);
    socket.once("data", (chunk) => finish(chunk.subarray(0, 7).toString("latin1") === "HTTP/1."));
    socket.once("error", () => finish(false));
    socket.once("close", () => finish(false));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nConnection: close\r\n\r\n`);
  });
}
