import { chmod, chown, mkdir } from "node:fs/promises";
import type { HostOwner } from "@velocity/sandbox";

/** A new folder with exactly this mode, whatever the server's umask, and this owner. Throws where it exists. */
export async function makeFolder(path: string, mode: number, owner: HostOwner | null = null): Promise<void> {
  await mkdir(path, { mode });
  await chmod(path, mode);
  if (owner !== null) await chown(path, owner.uid, owner.gid);
}
