import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import type { InstallInputs } from "./install-inputs.ts";

/** What dependencies are installed for: prebuilt packages differ by it. */
export interface InstallPlatform {
  readonly nodeVersion: string;
  readonly os: string;
  readonly arch: string;
  readonly libc: string | null;
}

/** Grows when layers of an older Velocity can no longer be used. */
const LAYOUT = 1;

/** The same key means the same dependency tree. 40 hexadecimal digits: fit for a folder's name. */
export function dependencyKey(inputs: InstallInputs, platform: InstallPlatform): string {
  const hash = createHash("sha256");
  const parts = [
    String(LAYOUT),
    inputs.manager,
    inputs.managerVersion ?? "",
    platform.nodeVersion,
    platform.os,
    platform.arch,
    platform.libc ?? "",
    ...inputs.files.flatMap((file) => [file.path, file.content]),
  ];
  // Length first: no two lists of parts read the same.
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex").slice(0, 40);
}

export function hostPlatform(): InstallPlatform {
  return {
    nodeVersion: process.versions.node,
    os: process.platform,
    arch: process.arch,
    libc: process.platform === "linux" ? libcName() : null,
  };
}

/** musl puts its loader there under its own name; `process.report` would tell as well, but takes tens of milliseconds. */
function libcName(): string {
  return readdirSync("/lib").some((name) => name.startsWith("ld-musl-")) ? "musl" : "glibc";
}
