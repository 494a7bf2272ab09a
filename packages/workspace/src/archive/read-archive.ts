import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { type FileContent, VelocityError } from "@velocity/contract";
import { Parser, type ReadEntry } from "tar";
import { damagedArchive, unsafeArchive } from "./archive-failure.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./archive-limits.ts";
import { UnpackedFiles } from "./unpacked-files.ts";
import { MAX_DESCRIPTION_BYTES, WholeDescriptions } from "./whole-descriptions.ts";

/** The parser unpacks by itself what begins with this. */
const GZIP = [0x1f, 0x8b];

/**
 * The files of a tar.gz archive, without `node_modules` and `.git`, and without the one folder that everything may be
 * in. Nothing touches the disk, and reading ends at the first thing that is wrong. Throws `unsafe_archive` for what could
 * do harm or is too large, `validation` for what is no whole tar.gz, and what `bytes` throws.
 */
export async function readArchive(
  bytes: AsyncIterable<Uint8Array>,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<FileContent[]> {
  const tar = new TarReader(limits);
  const gunzip = createGunzip();
  // Its failure comes out of the loop too. Not waited for: a stalled sender must not hold back the answer.
  pipeline(bytes, gunzip).catch(() => {});
  try {
    for await (const chunk of gunzip) tar.write(chunk);
    return tar.end();
  } catch (error) {
    throw asArchiveError(error);
  } finally {
    gunzip.destroy();
  }
}

/** Feeds the parser block by block, and turns every complaint of it into the end of the reading. */
class TarReader {
  readonly #limits: ArchiveLimits;
  readonly #files: UnpackedFiles;
  readonly #parser: Parser;
  readonly #pieces = new WholeDescriptions();
  #begun = false;
  #bytes = 0;
  #ended = false;
  #failure: unknown = null;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
    this.#files = new UnpackedFiles(limits);
    this.#parser = new Parser({
      // Only we unpack: an archive inside the archive would escape the limits.
      zstd: false,
      brotli: false,
      maxMetaEntrySize: MAX_DESCRIPTION_BYTES,
      onReadEntry: (entry) => this.#guard(() => this.#files.take(entry)),
      onwarn: (_code, message) => this.#guard(() => this.#complain(message)),
    });
    this.#parser.on("ignoredEntry", (entry: ReadEntry) => this.#guard(() => this.#files.refuse(entry)));
    this.#parser.on("meta", (text: string) => this.#guard(() => this.#describe(text)));
    this.#parser.on("eof", () => {
      this.#ended = true;
    });
  }

  write(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limits.streamBytes) throw unsafeArchive("unpacks to far too much");
    // What follows the end is padding; the parser would keep it.
    if (this.#ended) return;
    this.#feed(this.#pieces.push(chunk));
  }

  end(): FileContent[] {
    if (!this.#ended) this.#feed(this.#pieces.rest());
    this.#run(() => this.#parser.end());
    if (!this.#ended) throw damagedArchive("The archive is cut off: its end is missing.");
    return this.#files.finish();
  }

  #feed(piece: Buffer): void {
    if (piece.length === 0) return;
    if (!this.#begun && piece[0] === GZIP[0] && piece[1] === GZIP[1]) {
      throw damagedArchive("The archive is compressed twice.");
    }
    this.#begun = true;
    this.#run(() => this.#parser.write(piece));
  }

  #run(step: () => unknown): void {
    try {
      step();
    } catch (error) {
      this.#failure ??= error;
    }
    if (this.#failure !== null) throw this.#failure;
  }

  /** Thrown on, so that the parser goes no further in this chunk; kept, in case that something on the way caught it. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#failure ??= error;
      throw error;
    }
  }

  /** A long name, or a pax header. The parser would cut it at a NUL; only the one that ends a GNU name belongs there. */
  #describe(text: string): void {
    if (text.replace(/\0+$/, "").includes("\0")) throw unsafeArchive("has a NUL in the name of an entry");
  }

  #complain(message: string | Error): never {
    throw damagedArchive("The archive is damaged: it is not a whole tar archive.", message);
  }
}

function asArchiveError(error: unknown): unknown {
  if (error instanceof VelocityError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "Z_BUF_ERROR")
    return damagedArchive("The archive is cut off: its gzip ends too early.", error);
  if (code.startsWith("Z_")) return damagedArchive("The archive is not a valid gzip file (tar.gz).", error);
  return error;
}
