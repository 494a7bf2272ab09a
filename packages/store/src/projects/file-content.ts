import { createHash } from "node:crypto";
import type { FileContent } from "@velocity/contract";

export interface FileBytes {
  readonly path: string;
  readonly encoding: "utf8" | "base64";
  readonly content: Uint8Array;
  readonly sha256: Uint8Array;
}

/** The bytes that are stored for a file; `encoding` only says how they are shown again. */
export function toFileBytes(file: FileContent): FileBytes {
  const content = Buffer.from(file.content, file.encoding);
  return {
    path: file.path,
    encoding: file.encoding,
    content,
    sha256: createHash("sha256").update(content).digest(),
  };
}

export function toFileContent(row: {
  readonly path: string;
  readonly encoding: "utf8" | "base64";
  readonly content: Uint8Array;
}): FileContent {
  const bytes = Buffer.from(row.content.buffer, row.content.byteOffset, row.content.byteLength);
  return { path: row.path, content: bytes.toString(row.encoding), encoding: row.encoding };
}
