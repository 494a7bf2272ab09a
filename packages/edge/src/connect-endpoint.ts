import { closeSync, fstatSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { type Endpoint, VelocityError } from "@velocity/contract";

/** `O_PATH` of Linux on every architecture Node runs on (asm-generic/fcntl.h); Node does not export it. */
const O_PATH = 0x20_0000;
/** `O_NOFOLLOW` of x86 and the generic table; arm64 and powerpc have 0x8000. */
const O_NOFOLLOW =
  process.arch === "arm64" || process.arch === "arm" || process.arch === "ppc64" ? 0x8000 : 0x2_0000;

/**
 * Begins to connect; the caller listens for `connect` and `error`. Throws `session_unavailable` where the endpoint cannot
 * be dialled at all.
 *
 * A container can write in the folder of its sockets. So the path is pinned first: `O_PATH|O_NOFOLLOW` opens whatever is
 * there without following a planted symlink, `fstat` must say socket, and the connection goes to that very inode through
 * `/proc/self/fd`. Nothing can be swapped in between, and the 108-byte limit of socket addresses does not apply.
 */
export function connectEndpoint(endpoint: Endpoint): Socket {
  switch (endpoint.kind) {
    case "tcp":
      return connect({ host: endpoint.host, port: endpoint.port, noDelay: true, allowHalfOpen: true });
    case "unix":
      return process.platform === "linux"
        ? connectPinned(endpoint.path)
        : connect({ path: endpoint.path, allowHalfOpen: true });
    case "fly":
      throw new VelocityError("session_unavailable", "This preview is reached through its edge only.");
  }
}

function connectPinned(path: string): Socket {
  const fd = openSocketPath(path);
  try {
    if (!fstatSync(fd).isSocket()) throw notThere(path, new Error("not a socket"));
    const socket = connect({ path: `/proc/self/fd/${fd}`, allowHalfOpen: true });
    // libuv may defer the connect to the loop; the descriptor lives until it is decided.
    const close = once(() => closeSync(fd));
    socket.once("connect", close).once("close", close);
    return socket;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openSocketPath(path: string): number {
  try {
    return openSync(path, O_PATH | O_NOFOLLOW);
  } catch (cause) {
    throw notThere(path, cause);
  }
}

function notThere(path: string, cause: unknown): VelocityError {
  return new VelocityError("session_unavailable", "The preview is not listening right now.", {
    context: { path },
    cause,
  });
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
