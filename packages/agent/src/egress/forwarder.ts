import { connect, createServer } from "node:net";
import { splice } from "../server/bridge.ts";

/** Below the ports that the kernel gives away, above the privileged ones, and nobody's default. */
const USUAL_PORT = 19_009;

export interface Forwarder {
  /** For `HTTP_PROXY`. */
  readonly url: string;
  close(): void;
}

/** A loopback port whose connections go to the egress proxy's Unix socket. Where the usual port is taken, any. */
export async function startForwarder(egressSocket: string): Promise<Forwarder> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ path: egressSocket, allowHalfOpen: true });
    splice(client, upstream);
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port, host: "127.0.0.1" }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  await listen(USUAL_PORT).catch(() => listen(0));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port for the egress forwarder");
  server.on("error", () => {});
  return { url: `http://127.0.0.1:${address.port}`, close: () => server.close() };
}
