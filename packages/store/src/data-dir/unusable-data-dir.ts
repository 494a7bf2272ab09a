import { VelocityError } from "@velocity/contract";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "it may not be written by this user",
  EPERM: "it may not be written by this user",
  EROFS: "it is on a read-only file system",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOTDIR: "part of its path is a file",
  EEXIST: "there is a file of that name",
  ENAMETOOLONG: "its path is too long",
};

/** `data_dir_unusable`, saying why where the operating system said so. */
export function unusableDataDir(directory: string, cause: unknown): VelocityError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const reason = REASONS[code];
  return new VelocityError(
    "data_dir_unusable",
    reason === undefined ? "The data folder cannot be used." : `The data folder cannot be used: ${reason}.`,
    { context: { directory }, cause },
  );
}
