import { constants } from "node:fs";
import { open } from "node:fs/promises";

/**
 * The last `maxBytes` of a file as text; empty where there is none. Never follows a link, never blocks on a pipe: the
 * file may lie in a folder that untrusted code writes.
 */
export async function readTail(path: string, maxBytes: number): Promise<string> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch(() => null);
  if (file === null) return "";
  try {
    const stat = await file.stat();
    if (!stat.isFile()) return "";
    const length = Math.min(stat.size, maxBytes);
    const buffer = Buffer.alloc(length);
    const { bytesRead } = await file.read(buffer, 0, length, stat.size - length);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
