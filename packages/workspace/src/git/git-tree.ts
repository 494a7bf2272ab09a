import { isUtf8 } from "node:buffer";
import { filePathSchema } from "@velocity/contract";
import type { GitLimits } from "./git-limits.ts";

/** A file of a revision. */
export interface TreeFile {
  readonly path: string;
  readonly object: string;
  readonly size: number;
}

/** Why entries of a revision were left out, and how many. */
export interface SkippedEntries {
  readonly links: number;
  readonly submodules: number;
  /** Below `node_modules`, or with names that no project file may have. */
  readonly unsafePaths: number;
}

export type TreeChoice =
  | { readonly kind: "files"; readonly files: readonly TreeFile[]; readonly skipped: SkippedEntries }
  | { readonly kind: "too_large"; readonly message: string };

const ENTRY = /^(\d{6}) (\w+) ([0-9a-f]{40,64}) +(\d+|-)\t/;
const MB = 1024 ** 2;

/** Chooses from the output of `git ls-tree -r -z -l` what becomes the project: plain files only. Pure. */
export function chooseFiles(listing: Buffer, limits: GitLimits): TreeChoice {
  const files = new Map<string, TreeFile>();
  const skipped = { links: 0, submodules: 0, unsafePaths: 0 };
  let total = 0;
  for (let at = 0; at < listing.length; ) {
    const end = listing.indexOf(0, at);
    const line = listing.subarray(at, end === -1 ? listing.length : end);
    at = end === -1 ? listing.length : end + 1;
    const match = ENTRY.exec(line.toString("latin1"));
    const [head = "", mode = "", type, object = "", size = ""] = match ?? [];
    if (type === "commit") skipped.submodules += 1;
    else if (type === "blob" && mode === "120000") skipped.links += 1;
    else if (type === "blob") {
      const name = line.subarray(head.length);
      const path = filePathSchema.safeParse(name.toString("utf8"));
      if (!path.success || !isUtf8(name) || files.has(path.data)) {
        skipped.unsafePaths += 1;
        continue;
      }
      if (Number(size) > limits.fileBytes)
        return tooLarge(`${path.data} is larger than ${limits.fileBytes / MB} MB.`);
      total += Number(size);
      if (total > limits.totalBytes)
        return tooLarge(`The files are larger than ${limits.totalBytes / MB} MB together.`);
      files.set(path.data, { path: path.data, object, size: Number(size) });
      if (files.size > limits.files) return tooManyFiles(limits);
    }
  }
  return { kind: "files", files: [...files.values()], skipped };
}

export function tooManyFiles(limits: GitLimits): TreeChoice & { kind: "too_large" } {
  return tooLarge(`There are more than ${limits.files} files.`);
}

function tooLarge(message: string): TreeChoice & { kind: "too_large" } {
  return { kind: "too_large", message };
}
