import { randomUUID } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { VelocityError } from "@velocity/contract";
import { unusableDataDir } from "./unusable-data-dir.ts";

/** Grows when a folder written by this build can no longer be read by older ones. */
export const DATA_FORMAT = 1;
const FORMAT_FILE = "format";

/**
 * Notes the format of a locked data folder, or checks it. Throws `data_dir_newer` for one that a newer build wrote,
 * `data_dir_unusable` for one that cannot be read or is not ours.
 */
export async function checkDataFormat(directory: string): Promise<void> {
  const path = join(directory, FORMAT_FILE);
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw unusableDataDir(directory, cause);
  });
  if (text === null) {
    await writeFormat(directory, path);
    return;
  }
  if (!/^\d{1,9}\n?$/.test(text))
    throw unusableDataDir(directory, new Error("the format file is not a number"));
  if (Number(text) > DATA_FORMAT)
    throw new VelocityError("data_dir_newer", "The data folder was written by a newer version of Velocity.", {
      context: { directory, format: Number(text), known: DATA_FORMAT },
    });
}

async function writeFormat(directory: string, path: string): Promise<void> {
  const fresh = `${path}.${randomUUID()}`;
  try {
    await writeFile(fresh, `${DATA_FORMAT}\n`);
    await rename(fresh, path);
  } catch (cause) {
    throw unusableDataDir(directory, cause);
  }
}
