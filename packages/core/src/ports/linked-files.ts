import type { FileContent, FileEntry } from "@velocity/contract";

/**
 * Files of a linked directory, on the machine the server runs on. A path never leads out of the directory, not even by
 * a symbolic link. `version` of an entry is its modification time in whole milliseconds.
 */
export interface LinkedFiles {
  /** The real path. Throws `directory_not_found` or `directory_not_readable`. */
  check(directory: string): Promise<string>;
  /** Without `node_modules` and `.git`. */
  entries(directory: string): Promise<readonly FileEntry[]>;
  /** Null where there is no such regular file inside the directory. */
  read(directory: string, path: string): Promise<(FileContent & { readonly version: number }) | null>;
  /** Atomic per file. Throws `validation` for a path that leads out. Returns the newest modification time. */
  apply(
    directory: string,
    change: { readonly files: readonly FileContent[]; readonly deletes: readonly string[] },
  ): Promise<{ readonly version: number }>;
}
