import type { FileContent } from "@velocity/contract";

/** Unpacks what people upload, in memory and within bounds. */
export interface ArchiveReader {
  /**
   * The project files of a tar.gz: no `node_modules`, no `.git`, safe relative paths, none twice. Throws
   * `unsafe_archive` or `validation`, then without having read on.
   */
  read(bytes: AsyncIterable<Uint8Array>): Promise<readonly FileContent[]>;
}
