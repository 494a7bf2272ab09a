import type { FileContent } from "@velocity/contract";
import type { FileTree } from "../ports.ts";

/** A stored project's or a template's files. */
export function createMemoryTree(files: readonly FileContent[]): FileTree {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return {
    list: async (limit) => [...byPath.keys()].slice(0, limit),
    read: async (path) => {
      const file = byPath.get(path);
      if (file === undefined) return null;
      return file.encoding === "base64" ? Buffer.from(file.content, "base64").toString("utf8") : file.content;
    },
  };
}
