import { accessSync, constants } from "node:fs";
import { join } from "node:path";

const PLACES = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/** Absolute path of a system program, or null. The caller's PATH is not consulted: these run as root. */
export function findProgram(name: string): string | null {
  for (const place of PLACES) {
    const path = join(place, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here.
    }
  }
  return null;
}
