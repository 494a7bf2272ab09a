import { access, constants, stat } from "node:fs/promises";
import { isAbsolute, normalize, sep } from "node:path";
import { VelocityError } from "@velocity/contract";

/** Folders that a sandbox has its own version of, or that are the system's: never mounted from the host. */
const RESERVED = [
  "bin",
  "boot",
  "dev",
  "etc",
  "lib",
  "lib32",
  "lib64",
  "libx32",
  "proc",
  "run",
  "sbin",
  "sys",
  "usr",
];

/** Throws `directory_not_found`, `directory_not_readable`, or `validation` for a place that cannot be shown to a preview. */
export async function checkLinkedDirectory(linked: {
  readonly directory: string;
  readonly mountRoot: string;
}): Promise<void> {
  const { directory, mountRoot } = linked;
  for (const path of [directory, mountRoot]) {
    const first = path.split(sep)[1] ?? "";
    const plain = isAbsolute(path) && normalize(path) === path && first !== "" && !RESERVED.includes(first);
    if (!plain || path.startsWith("/opt/velocity") || path === "/workspace" || path === "/tmp")
      throw new VelocityError(
        "validation",
        "This directory cannot be previewed; choose a project's own folder.",
      );
  }
  if (directory !== mountRoot && !directory.startsWith(mountRoot + sep))
    throw new VelocityError("validation", "The directory is not part of its project's root.");
  const found = await stat(directory).catch(() => null);
  if (found === null || !found.isDirectory())
    throw new VelocityError("directory_not_found", "The directory does not exist.");
  await access(directory, constants.R_OK | constants.X_OK).catch((cause: unknown) => {
    throw new VelocityError("directory_not_readable", "The directory cannot be read.", { cause });
  });
}
