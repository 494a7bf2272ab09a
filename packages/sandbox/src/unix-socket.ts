import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { VelocityError } from "@velocity/contract";

/** Opens a name without opening what is behind it: `O_PATH` of Linux, which Node does not name. */
const O_PATH = 0x200000;

/**
 * Connects to a Unix socket whose name lies in a folder that untrusted code writes. The name is resolved once, never
 * through a link, has to be a socket of `ownerUid` (null: of anyone), and the connection goes to what was looked at.
 * On Linux the length of the path does not matter either. Resolves with a connected socket without listeners of ours.
 */
export function connectUnixSocket(
  path: string,
  ownerUid: number | null,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const refuse = (cause: unknown) =>
      reject(
        new VelocityError("session_unavailable", "The preview does not answer.", {
          cause,
          context: { path },
        }),
      );
    let fd: number | null = null;
    try {
      if (process.platform === "linux") {
        fd = openSync(path, O_PATH | constants.O_NOFOLLOW);
        const stat = fstatSync(fd);
        if (!stat.isSocket()) throw new Error("not a socket");
        if (ownerUid !== null && stat.uid !== ownerUid) throw new Error("socket of someone else");
      }
    } catch (error) {
      if (fd !== null) closeSync(fd);
      refuse(error);
      return;
    }
    const held = fd;
    const socket = connect({ path: held === null ? path : `/proc/self/fd/${held}` });
    const settle = () => {
      if (held !== null) closeSync(held);
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
    };
    const onAbort = () => {
      settle();
      socket.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => {
      settle();
      resolve(socket);
    });
    socket.once("error", (error) => {
      settle();
      socket.destroy();
      refuse(error);
    });
  });
}
