import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";

const APP_SOCKETS = /^(app\.sock|port-\d+\.sock|\.\d+-\w+)$/;

/** Names of the app's sockets, and of such that were on their way to a name. Empty where there is no folder. */
export function socketNames(socketDir: string): string[] {
  try {
    return readdirSync(socketDir).filter((name) => APP_SOCKETS.test(name));
  } catch {
    return [];
  }
}

/** Removes what an earlier run left: nothing of this one may exist yet. */
export function clearSockets(socketDir: string): void {
  for (const name of socketNames(socketDir)) remove(join(socketDir, name));
}

export function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Was not there.
  }
}
