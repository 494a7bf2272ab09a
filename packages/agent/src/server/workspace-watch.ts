import { type FSWatcher, readdirSync, watch } from "node:fs";
import { join } from "node:path";

const MAX_FOLDERS = 1000;
/** What tools write by themselves: a server that fails must not start itself again by its own output. */
const IGNORED = new Set(["node_modules", "dist", "build", "out", "coverage", "target", "__pycache__"]);

function isIgnored(name: string): boolean {
  return IGNORED.has(name) || (name.startsWith(".") && !name.startsWith(".env"));
}

/**
 * Calls back on any change to the project's own files. Looks at no more than 1000 folders; meant for the time in which a
 * failed server waits to be corrected. Ends with what is returned.
 */
export function watchWorkspace(root: string, onChange: () => void): () => void {
  const watchers = new Map<string, FSWatcher>();
  const add = (folder: string): void => {
    if (watchers.size >= MAX_FOLDERS || watchers.has(folder)) return;
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name === null || isIgnored(name) || name.endsWith("~")) return;
        add(join(folder, name));
        onChange();
      });
      watcher.on("error", () => {
        watcher.close();
        watchers.delete(folder);
      });
      watchers.set(folder, watcher);
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && !isIgnored(entry.name)) add(join(folder, entry.name));
      }
    } catch {
      // A file, or gone meanwhile: nothing to look at.
    }
  };
  add(root);
  return () => {
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
}
