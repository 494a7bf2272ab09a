import { isUtf8 } from "node:buffer";
import { type FileContent, isSafePath } from "@velocity/contract";
import type { ReadEntry } from "tar";
import { damagedArchive, unsafeArchive } from "./archive-failure.ts";
import type { ArchiveLimits } from "./archive-limits.ts";
import { CommonFolder } from "./common-folder.ts";
import { entryPlace } from "./entry-path.ts";
import { PathRegister } from "./path-register.ts";

const FILES = new Set<string>(["File", "OldFile", "ContiguousFile"]);
const KINDS: Readonly<Record<string, string>> = {
  Link: "is a hard link",
  SymbolicLink: "is a symbolic link",
  CharacterDevice: "is a device",
  BlockDevice: "is a device",
  FIFO: "is a pipe",
};

type StoredFile = Pick<FileContent, "content" | "encoding"> & { readonly segments: readonly string[] };

/** Takes the entries of an archive as they come, each checked before a byte of it is kept. */
export class UnpackedFiles {
  readonly #limits: ArchiveLimits;
  readonly #register = new PathRegister();
  readonly #common = new CommonFolder();
  readonly #files: StoredFile[] = [];
  #seen = 0;
  #kept = 0;
  #bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** Throws `unsafe_archive` or `validation`; the rest of the archive is then not to be read. */
  take(entry: ReadEntry): void {
    this.#seen++;
    if (this.#seen > this.#limits.streamEntries) throw unsafeArchive("has too many entries");
    const place = entryPlace(entry.path);
    const kind = entry.type === "Directory" ? "folder" : "file";
    if (place.kind === "root") {
      if (kind === "file") throw unsafeArchive("is no file", entry.path);
      this.#common.seeRoot();
      entry.resume();
      return;
    }
    this.#common.see(place.segments, kind);
    if (place.kind === "skipped") {
      entry.resume();
      return;
    }
    if (kind === "file" && !FILES.has(entry.type)) {
      throw unsafeArchive(KINDS[entry.type] ?? "is neither a file nor a folder", entry.path);
    }
    this.#kept++;
    if (this.#kept > this.#limits.entries) {
      throw unsafeArchive(`has more than ${this.#limits.entries} files and folders`);
    }
    this.#register.add(place.segments, kind);
    if (kind === "folder") {
      entry.resume();
      return;
    }
    this.#collect(entry, place.segments);
  }

  /** What the archive made of an entry that the reader does not know. */
  refuse(entry: ReadEntry): never {
    const reason = entry.meta ? "has too long a description" : "is neither a file nor a folder";
    throw unsafeArchive(reason, entry.path);
  }

  /** The project's files. Throws `validation` where there are none. */
  finish(): FileContent[] {
    if (this.#files.length === 0) throw damagedArchive("The archive has no files in it.");
    const { depth } = this.#common;
    return this.#files.map(({ segments, content, encoding }) => {
      const path = segments.slice(depth).join("/");
      if (!isSafePath(path)) throw unsafeArchive("has an unsafe path", segments.join("/"));
      return { path, content, encoding };
    });
  }

  #collect(entry: ReadEntry, segments: readonly string[]): void {
    const { fileBytes, totalBytes } = this.#limits;
    // Trusted only to refuse early: what really comes is counted too.
    const announced = Math.max(entry.size, entry.remain);
    if (announced > fileBytes) throw unsafeArchive(`is larger than ${megabytes(fileBytes)}`, entry.path);
    if (this.#bytes + announced > totalBytes) {
      throw unsafeArchive(`has more than ${megabytes(totalBytes)} of files`);
    }
    const chunks: Uint8Array[] = [];
    let size = 0;
    entry.on("data", (chunk) => {
      size += chunk.length;
      this.#bytes += chunk.length;
      if (size > fileBytes) throw unsafeArchive(`is larger than ${megabytes(fileBytes)}`, entry.path);
      if (this.#bytes > totalBytes) throw unsafeArchive(`has more than ${megabytes(totalBytes)} of files`);
      chunks.push(chunk);
    });
    entry.on("end", () => {
      this.#files.push({ segments, ...contentOf(Buffer.concat(chunks)) });
    });
  }
}

/** Text where nothing is lost by it. */
function contentOf(bytes: Buffer): Pick<FileContent, "content" | "encoding"> {
  return isUtf8(bytes) && !bytes.includes(0)
    ? { content: bytes.toString("utf8"), encoding: "utf8" }
    : { content: bytes.toString("base64"), encoding: "base64" };
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MB`;
}
