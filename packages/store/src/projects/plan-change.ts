import type { FileBytes } from "./file-content.ts";

/** What is in force at a path now. */
export interface CurrentFile {
  readonly path: string;
  readonly version: number;
  readonly deleted: boolean;
  readonly encoding: "utf8" | "base64";
  readonly sha256: Uint8Array;
}

export type ChangePlan =
  | { readonly kind: "conflict" }
  | { readonly kind: "change"; readonly writes: readonly FileBytes[]; readonly deletes: readonly string[] };

/**
 * What a change really changes. A file written with the content it has, and a file deleted that is not there, change
 * nothing. A path that is both deleted and written is written; of two writes to one path the later counts.
 * `conflict`: a named path changed after `baseVersion`, or that version never was.
 */
export function planChange(
  change: {
    readonly files: readonly FileBytes[];
    readonly deletes: readonly string[];
    readonly baseVersion?: number | undefined;
  },
  project: { readonly version: number; readonly current: readonly CurrentFile[] },
): ChangePlan {
  const current = new Map(project.current.map((file) => [file.path, file]));
  const writes = new Map(change.files.map((file) => [file.path, file]));
  const deletes = new Set(change.deletes.filter((path) => !writes.has(path)));
  const { baseVersion } = change;
  if (baseVersion !== undefined) {
    const changedSince = [...writes.keys(), ...deletes].some(
      (path) => (current.get(path)?.version ?? 0) > baseVersion,
    );
    if (changedSince || baseVersion > project.version) return { kind: "conflict" };
  }
  return {
    kind: "change",
    writes: [...writes.values()].filter((file) => !isSame(file, current.get(file.path))),
    deletes: [...deletes].filter((path) => current.get(path)?.deleted === false),
  };
}

function isSame(file: FileBytes, current: CurrentFile | undefined): boolean {
  return (
    current !== undefined &&
    !current.deleted &&
    current.encoding === file.encoding &&
    Buffer.compare(current.sha256, file.sha256) === 0
  );
}

/** A path that is a file and also the folder of another file, which no file system can hold; null: none. */
export function findPathClash(paths: Iterable<string>): { file: string; inside: string } | null {
  const files = new Set(paths);
  for (const path of files)
    for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
      const parent = path.slice(0, slash);
      if (files.has(parent)) return { file: parent, inside: path };
    }
  return null;
}
