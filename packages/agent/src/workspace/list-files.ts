import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type AgentFileEntry, VelocityError } from "@velocity/contract";
import { WorkspacePaths } from "./workspace-paths.ts";

const MAX_ENTRIES = 20_000;

/** What is below a folder of the workspace, without `.git` and `node_modules`; links are named, not followed. */
export async function listFiles(
  root: string,
  options: { readonly path: string; readonly recursive: boolean },
): Promise<AgentFileEntry[]> {
  const items: AgentFileEntry[] = [];
  const paths = await WorkspacePaths.of(root);
  const top = options.path === "" ? paths.root : await paths.existing(options.path);
  const folders = [{ at: top, name: options.path }];
  for (let folder = folders.shift(); folder !== undefined; folder = folders.shift()) {
    const names = await readdir(folder.at).catch((cause: unknown) => {
      throw new VelocityError("not_found", `There is no folder "${options.path}".`, { cause });
    });
    for (const name of names.sort()) {
      if (name === "node_modules" || (name === ".git" && folder.name === "")) continue;
      const at = join(folder.at, name);
      const stat = await lstat(at).catch(() => null);
      const kind = stat?.isFile()
        ? "file"
        : stat?.isDirectory()
          ? "directory"
          : stat?.isSymbolicLink()
            ? "symlink"
            : null;
      if (stat === null || kind === null) continue;
      const path = folder.name === "" ? name : `${folder.name}/${name}`;
      items.push({ path, kind, size: kind === "file" ? stat.size : 0 });
      if (items.length > MAX_ENTRIES) {
        throw new VelocityError(
          "payload_too_large",
          `There are more than ${MAX_ENTRIES} files; list a folder.`,
        );
      }
      if (kind === "directory" && options.recursive) folders.push({ at, name: path });
    }
  }
  return items;
}
