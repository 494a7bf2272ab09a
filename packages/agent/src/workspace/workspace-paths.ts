import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { isSafePath, VelocityError } from "@velocity/contract";

/**
 * Turns project paths into places on disk that are inside the workspace, whatever links its folders are. Made for one
 * call: it remembers folders, so that many files of one folder are checked once.
 */
export class WorkspacePaths {
  /** The workspace folder, links followed. */
  readonly root: string;
  readonly #folders = new Map<string, Promise<{ existing: string; real: string }>>();

  private constructor(root: string) {
    this.root = root;
  }

  static async of(root: string): Promise<WorkspacePaths> {
    return new WorkspacePaths(await realpath(root));
  }

  /** Place of `path`, with links of its parents followed: still inside, and not in `.git` or `node_modules`. */
  async place(path: string): Promise<string> {
    if (!isSafePath(path)) throw unsafe(path);
    const { real } = await this.#folder(dirname(path));
    this.#assertInside(real, path);
    return join(real, path.slice(path.lastIndexOf("/") + 1));
  }

  /** As `place`, with all folders on the way made. */
  async placeToWrite(path: string): Promise<string> {
    const place = await this.place(path);
    const folder = dirname(path);
    const { existing } = await this.#folder(folder);
    if (existing === folder) return place;
    try {
      await mkdir(dirname(place), { recursive: true });
    } catch (cause) {
      throw new VelocityError("validation", `"${path}" cannot be written: a part of it is a file.`, {
        cause,
      });
    }
    return place;
  }

  /** For reading: a link at the end is followed too, as long as it stays inside. */
  async existing(path: string): Promise<string> {
    const real = await realpath(await this.place(path)).catch((cause: unknown) => {
      throw new VelocityError("not_found", `There is no "${path}".`, { cause });
    });
    this.#assertInside(real, path);
    return real;
  }

  /** The nearest folder that is there decides: nothing is made before it is known to be inside. */
  #folder(folder: string): Promise<{ existing: string; real: string }> {
    const known = this.#folders.get(folder);
    if (known !== undefined) return known;
    const found = this.#lookUp(folder);
    this.#folders.set(folder, found);
    return found;
  }

  async #lookUp(folder: string): Promise<{ existing: string; real: string }> {
    if (folder === ".") return { existing: ".", real: this.root };
    const at = join(this.root, folder);
    if (await isThere(at)) return { existing: folder, real: await followed(at, folder) };
    const above = await this.#folder(dirname(folder));
    return { existing: above.existing, real: join(above.real, folder.slice(folder.lastIndexOf("/") + 1)) };
  }

  #assertInside(real: string, path: string): void {
    if (real === this.root) return;
    if (!real.startsWith(this.root + sep) || !isSafePath(relative(this.root, real))) throw unsafe(path);
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function followed(at: string, path: string): Promise<string> {
  return realpath(at).catch((cause: unknown) => {
    throw new VelocityError("validation", `"${path}" is a link to nowhere.`, { cause });
  });
}

function unsafe(path: string): VelocityError {
  return new VelocityError("validation", "The path is not a file of the project.", {
    errors: [
      { path: "path", code: "unsafe_path", message: "unsafe path: use a relative path inside the project" },
    ],
    context: { path },
  });
}
