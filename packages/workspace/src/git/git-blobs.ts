import { isUtf8 } from "node:buffer";
import type { FileContent } from "@velocity/contract";
import type { TreeFile } from "./git-tree.ts";

const NEWLINE = 10;

/** Splits the output of `git cat-file --batch` into the files that were asked for, in their order; null: it is not that. Pure. */
export function filesFromBatch(output: Buffer, asked: readonly TreeFile[]): FileContent[] | null {
  const files: FileContent[] = [];
  let at = 0;
  for (const file of asked) {
    const header = `${file.object} blob ${file.size}\n`;
    const begin = at + header.length;
    const end = begin + file.size;
    if (output.toString("latin1", at, begin) !== header || output[end] !== NEWLINE) return null;
    files.push(contentOf(file.path, output.subarray(begin, end)));
    at = end + 1;
  }
  return at === output.length ? files : null;
}

/** Bytes that `filesFromBatch` expects, all told. */
export function batchBytes(asked: readonly TreeFile[]): number {
  return asked.reduce((sum, { object, size }) => sum + `${object} blob ${size}\n`.length + size + 1, 0);
}

/** Text where the bytes are text, base64 otherwise: nothing is lost either way. */
function contentOf(path: string, bytes: Buffer): FileContent {
  return isUtf8(bytes) && !bytes.includes(0)
    ? { path, content: bytes.toString("utf8"), encoding: "utf8" }
    : { path, content: bytes.toString("base64"), encoding: "base64" };
}
