import { createServer } from "node:net";
import { VelocityError } from "@velocity/contract";

/**
 * The port to listen on: the one asked for, or a free one for 0. Asked before anything else is begun, so that a port
 * that is taken costs nobody a started database.
 *
 * @throws VelocityError `port_in_use`
 */
export async function findPort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(port, host, done);
    });
    const address = server.address();
    return address !== null && typeof address === "object" ? address.port : port;
  } catch (error) {
    throw listenFailure(error, port);
  } finally {
    if (server.listening) await new Promise((done) => server.close(done));
  }
}

/** What a failed `listen` means to the person who started the server. */
export function listenFailure(error: unknown, port: number): unknown {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "EADDRINUSE")
    return new VelocityError("port_in_use", `Port ${port} is in use by another program.`, { cause: error });
  if (code === "EACCES")
    return new VelocityError("port_in_use", `Port ${port} may not be used by this user.`, { cause: error });
  if (code === "EADDRNOTAVAIL")
    return new VelocityError("config_invalid", "VELOCITY_HOST is not an address of this machine.", {
      cause: error,
    });
  return error;
}
