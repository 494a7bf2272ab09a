import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const LOCKFILES = ["package-lock.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];

/**
 * Identifies what an install in `cwd` of a workspace is made from: every package.json on the way up to the workspace's
 * root by content, lockfiles by time. Taken after an install, since that is what writes them.
 */
export function installManifest(workspace: string, cwd: string): string {
  const parts: string[] = [];
  for (let at = join(workspace, cwd); ; at = dirname(at)) {
    parts.push(orNothing(() => readFileSync(join(at, "package.json"), "utf8")));
    for (const name of LOCKFILES) parts.push(orNothing(() => `${name}:${statSync(join(at, name)).mtimeMs}`));
    if (at.length <= workspace.length) return parts.join("\n");
  }
}

function orNothing(read: () => string): string {
  try {
    return read();
  } catch {
    return "";
  }
}
