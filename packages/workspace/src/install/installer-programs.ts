import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** A program of this machine, and the folder that it needs to be seen with. */
export interface InstallerProgram {
  /** Node's own arguments first, for programs written for Node. */
  readonly command: readonly string[];
  readonly folder: string;
}

/** pnpm ships as a native binary per platform, in a package of its own. Null where there is none for this platform. */
export function locatePnpm(libc: string | null): InstallerProgram | null {
  const require = createRequire(import.meta.url);
  const own = packageFolder(require, "pnpm");
  if (own === null) return null;
  const platform = `${process.platform}-${process.arch}${libc === "musl" ? "-musl" : ""}`;
  const native = packageFolder(createRequire(join(own, "package.json")), `@pnpm/exe.${platform}`);
  if (native === null) return null;
  const binary = join(native, process.platform === "win32" ? "pnpm.exe" : "pnpm");
  return existsSync(binary) ? { command: [binary], folder: native } : null;
}

/** npm, as a dependency of this package: the version on the machine may be any, or none. */
export function locateNpm(nodePath: string): InstallerProgram | null {
  const folder = packageFolder(createRequire(import.meta.url), "npm");
  return folder === null ? null : { command: [nodePath, join(folder, "bin/npm-cli.js")], folder };
}

function packageFolder(require: NodeJS.Require, name: string): string | null {
  try {
    return dirname(require.resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}
