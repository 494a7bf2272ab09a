import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { HostOwner } from "./sandbox-spec.ts";

/**
 * Whether a user without any group but its own can walk to a path. Looks at permission bits only: a "no" that an access
 * list would turn into a yes merely costs a mount.
 */
export function isReachable(path: string, owner: HostOwner): boolean {
  let folder: string;
  try {
    folder = dirname(realpathSync(path));
  } catch {
    return true;
  }
  for (;;) {
    if (!isPassable(folder, owner)) return false;
    if (folder === "/") return true;
    folder = dirname(folder);
  }
}

/** Whether a user may walk through a folder. No exception for root: without capabilities it is nobody special. */
export function isPassable(folder: string, owner: HostOwner): boolean {
  const stat = statSync(folder);
  const bit = stat.uid === owner.uid ? 0o100 : stat.gid === owner.gid ? 0o010 : 0o001;
  return (stat.mode & bit) !== 0;
}
