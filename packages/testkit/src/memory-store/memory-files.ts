import { type FileContent, VelocityError } from "@velocity/contract";

interface StoredFile {
  readonly path: string;
  readonly bytes: Buffer;
  readonly encoding: FileContent["encoding"];
  readonly version: number;
  readonly deleted: boolean;
  readonly at: Date;
}

interface FileChange {
  readonly files: readonly FileContent[];
  readonly deletes: readonly string[];
  readonly baseVersion?: number;
}

/** The files of one project, with every version of each. */
export class MemoryFiles {
  readonly #paths = new Map<string, StoredFile[]>();

  /** What is there now, by path. */
  current(): readonly StoredFile[] {
    return this.#latest().filter((file) => !file.deleted);
  }

  since(version: number): readonly StoredFile[] {
    return this.#latest().filter((file) => file.version > version);
  }

  /** Newest first. */
  versions(path: string): readonly StoredFile[] {
    return (this.#paths.get(path) ?? []).toReversed();
  }

  /**
   * The version after the change: the same where it changes nothing, null where one of its paths changed after its base.
   * Throws `validation` where a path would be a file and a folder; then nothing happened.
   */
  apply(change: FileChange, version: number, at: Date): number | null {
    const writes = new Map(change.files.map((file) => [file.path, file]));
    const deletes = new Set(change.deletes.filter((path) => !writes.has(path)));
    const { baseVersion } = change;
    if (baseVersion !== undefined) {
      const behind = [...writes.keys(), ...deletes].some((path) => this.#versionOf(path) > baseVersion);
      if (behind || baseVersion > version) return null;
    }
    const changed: StoredFile[] = [];
    for (const { path, content, encoding } of writes.values()) {
      const bytes = Buffer.from(content, encoding);
      const held = this.#at(path);
      if (held?.deleted === false && held.encoding === encoding && held.bytes.equals(bytes)) continue;
      changed.push({ path, bytes, encoding, version: version + 1, deleted: false, at });
    }
    for (const path of deletes) {
      if (this.#at(path)?.deleted === false)
        changed.push({
          path,
          bytes: Buffer.alloc(0),
          encoding: "utf8",
          version: version + 1,
          deleted: true,
          at,
        });
    }
    if (changed.length === 0) return version;
    this.#refuseClash(changed);
    for (const file of changed) this.#paths.set(file.path, [...(this.#paths.get(file.path) ?? []), file]);
    return version + 1;
  }

  #at(path: string): StoredFile | undefined {
    return this.#paths.get(path)?.at(-1);
  }

  #versionOf(path: string): number {
    return this.#at(path)?.version ?? 0;
  }

  #latest(): StoredFile[] {
    return [...this.#paths.values()]
      .flatMap((versions) => versions.at(-1) ?? [])
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  #refuseClash(changed: readonly StoredFile[]): void {
    const paths = new Set(this.current().map((file) => file.path));
    for (const file of changed) {
      if (file.deleted) paths.delete(file.path);
      else paths.add(file.path);
    }
    for (const path of paths) {
      for (let slash = path.indexOf("/"); slash !== -1; slash = path.indexOf("/", slash + 1)) {
        if (paths.has(path.slice(0, slash)))
          throw new VelocityError(
            "validation",
            `"${path.slice(0, slash)}" cannot be a file and also the folder of "${path}".`,
          );
      }
    }
  }
}

export function contentOf(file: StoredFile): FileContent {
  return { path: file.path, content: file.bytes.toString(file.encoding), encoding: file.encoding };
}
