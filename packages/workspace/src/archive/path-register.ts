import { unsafeArchive } from "./archive-failure.ts";

interface Held {
  readonly path: string;
  readonly kind: "file" | "folder";
}

/**
 * The paths of an archive so far. Two that any disk would take for one (by case or by Unicode form) are refused, and so
 * are a path that comes twice and one that is both file and folder.
 */
export class PathRegister {
  readonly #held = new Map<string, Held>();

  /** Throws `unsafe_archive`. */
  add(segments: readonly string[], kind: "file" | "folder"): void {
    for (let depth = 1; depth < segments.length; depth++) this.#hold(segments.slice(0, depth), "folder");
    this.#hold(segments, kind);
  }

  #hold(segments: readonly string[], kind: Held["kind"]): void {
    const path = segments.join("/");
    const key = folded(path);
    const other = this.#held.get(key);
    if (other === undefined) {
      this.#held.set(key, { path, kind });
      return;
    }
    if (other.path !== path) {
      throw unsafeArchive(
        `cannot stand beside ${JSON.stringify(other.path)}: some disks take both for one`,
        path,
      );
    }
    if (other.kind !== kind) throw unsafeArchive("is both a file and a folder", path);
    if (kind === "file") throw unsafeArchive("is there twice", path);
  }
}

function folded(path: string): string {
  return path.normalize("NFKC").toLowerCase().toUpperCase().normalize("NFKC");
}
