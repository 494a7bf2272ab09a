import { isSafePath, MAX_PATH_BYTES } from "@velocity/contract";
import { unsafeArchive } from "./archive-failure.ts";

/** Deeper than any project, and it bounds how many folders one entry can imply. */
const MAX_DEPTH = 64;
/** Bidirectional controls: they make a name read as another one. */
const DECEIVING = /[\u202a-\u202e\u2066-\u2069]/;

/** Where an entry belongs: the archive's own root, the project, or nowhere (installed and versioned things). */
export type EntryPlace =
  | { readonly kind: "root" }
  | { readonly kind: "skipped"; readonly segments: readonly string[] }
  | { readonly kind: "project"; readonly segments: readonly string[] };

/**
 * Reads an entry's name. `./` in front and `/` behind mean nothing; any other oddity throws `unsafe_archive`, also in what
 * would be skipped.
 */
export function entryPlace(name: string): EntryPlace {
  const refuse = (reason: string) => unsafeArchive(reason, name);
  if (Buffer.byteLength(name) > 2 * MAX_PATH_BYTES) throw refuse("has too long a name");
  if (name.includes("\ufffd")) throw refuse("has a name that is not UTF-8");
  if (/\p{Cc}/u.test(name) || DECEIVING.test(name)) throw refuse("has a control character in its name");
  if (name.includes("\\")) throw refuse("has a backslash in its name");
  if (name.startsWith("/") || /^[a-z]:/i.test(name)) throw refuse("has an absolute path");
  const path = name.replace(/^(\.\/+)+/, "").replace(/\/+$/, "");
  if (path === "" || path === ".") return { kind: "root" };
  const segments = path.split("/");
  if (segments.includes("..")) throw refuse("leads out of the project");
  if (segments.length > MAX_DEPTH) throw refuse("is in too many folders");
  if (segments.some(isSkipped)) return { kind: "skipped", segments };
  if (!isSafePath(path)) throw refuse("has an unsafe path");
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw refuse("has too long a name");
  return { kind: "project", segments };
}

/** Whatever the case: on some disks those are the same folder. */
function isSkipped(segment: string): boolean {
  const name = segment.toLowerCase();
  return name === "node_modules" || name === ".git";
}
