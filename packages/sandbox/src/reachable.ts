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
    const stat = statSync(folder);
    const bit = stat.uid === owner.uid ? 0o100 : stat.gid === owner.gid ? 0o010 : 0o001;
    // No exception for root: without capabilities it is nobody special.
    if ((stat.mode & bit) === 0) return false;
    if (folder === "/") return true;
    folder = dirname(folder);
  }
}
