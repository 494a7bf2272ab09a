/** How much an archive may hold. Counted while it is read, so that nothing beyond it is ever unpacked. */
export interface ArchiveLimits {
  /** Files and folders that are kept. */
  readonly entries: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of all files that are kept. */
  readonly totalBytes: number;
  /** Bytes of the whole unpacked stream, with headers and what is skipped. */
  readonly streamBytes: number;
  /** Entries of the whole stream, with what is skipped. */
  readonly streamEntries: number;
}

const MB = 1024 * 1024;

export const ARCHIVE_LIMITS: ArchiveLimits = {
  entries: 5_000,
  fileBytes: 32 * MB,
  totalBytes: 50 * MB,
  streamBytes: 512 * MB,
  streamEntries: 200_000,
};
