import { randomUUID } from "node:crypto";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hostPlatform } from "./install/dependency-key.ts";
import { locateNpm, locatePnpm } from "./install/installer-programs.ts";

/** A file or folder of this machine, seen read-only in every container. */
export interface ProgramMount {
  readonly source: string;
  readonly target: string;
}

const BIN = "/opt/velocity/bin";
const LIB = "/opt/velocity/lib";

/**
 * npm and pnpm for the inside of containers: what the machine has of them may be in a home folder that no container sees,
 * or a stand-in that downloads the real one first. The node at `/opt/velocity/bin` runs them.
 */
export async function packageManagerMounts(options: {
  /** For the small start scripts. */
  readonly cacheDir: string;
  readonly nodePath: string;
}): Promise<readonly ProgramMount[]> {
  const folder = join(options.cacheDir, "programs");
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const mounts: ProgramMount[] = [];
  const add = async (name: string, command: string) => {
    await writeProgram(join(folder, name), `#!/bin/sh\nexec ${command} "$@"\n`);
    mounts.push({ source: join(folder, name), target: `${BIN}/${name}` });
  };
  const npm = locateNpm(options.nodePath);
  if (npm !== null) {
    mounts.push({ source: npm.folder, target: `${LIB}/npm` });
    await add("npm", `${BIN}/node ${LIB}/npm/bin/npm-cli.js`);
    await add("npx", `${BIN}/node ${LIB}/npm/bin/npx-cli.js`);
  }
  const pnpm = locatePnpm(hostPlatform().libc);
  if (pnpm !== null) {
    mounts.push({ source: pnpm.folder, target: `${LIB}/pnpm` });
    await add("pnpm", `${LIB}/pnpm/pnpm`);
    await add("pnpx", `${LIB}/pnpm/pnpm dlx`);
  }
  return mounts;
}

/** Beside, then renamed: a container that mounts it meanwhile sees the old or the new one, whole. */
async function writeProgram(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomUUID().slice(0, 8)}`;
  await writeFile(beside, text, { mode: 0o755 });
  await rename(beside, path);
}
