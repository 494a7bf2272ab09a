import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { INSIDE_GID, INSIDE_HOME, INSIDE_UID } from "./sandbox-spec.ts";
import { findProgram } from "./sandbox-tools.ts";

/**
 * What of the host's own `/etc` programs need to find libraries, certificates and the time. No folder with private keys
 * is among them: a sandbox that runs a root-owned directory could read those.
 */
const ETC_FROM_HOST: readonly string[] = [
  "/etc/alternatives",
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/localtime",
  "/etc/ssl/certs",
  "/etc/ssl/openssl.cnf",
  "/etc/pki/tls/certs",
  "/etc/pki/ca-trust/extracted",
  "/etc/ca-certificates",
];

const FILES: Readonly<Record<string, string>> = {
  passwd: `root:x:0:0:root:/root:/bin/sh\nvelocity:x:${INSIDE_UID}:${INSIDE_GID}:velocity:${INSIDE_HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n`,
  group: `root:x:0:\nvelocity:x:${INSIDE_GID}:\nnogroup:x:65534:\n`,
  hosts: "127.0.0.1 localhost velocity\n::1 localhost\n",
  "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
  "resolv.conf": "",
};

/**
 * Writes the `/etc` that sandboxes see: one user, one host name, no name server, and a copy of what the host has of
 * `ETC_FROM_HOST` (mounting each would cost every sandbox a tenth of a millisecond per entry). One folder serves all
 * sandboxes, read-only; it replaces an earlier one.
 */
export async function writeMinimalEtc(directory: string): Promise<void> {
  // Readers of the old one keep it: a sandbox that runs has its folder mounted, whatever it is called by then.
  const draft = `${directory}.${process.pid}`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o755 });
  const copyTree = treeCopier();
  await Promise.all(
    ETC_FROM_HOST.filter((path) => existsSync(path)).map(async (path) => {
      const copy = join(draft, path.slice("/etc/".length));
      await mkdir(dirname(copy), { recursive: true, mode: 0o755 });
      await copyTree(path, copy);
    }),
  );
  await Promise.all(
    Object.entries(FILES).map(([name, text]) => writeFile(join(draft, name), text, { mode: 0o644 })),
  );
  // Whatever the server's umask: this is for everyone to read.
  const chmod = findProgram("chmod");
  if (chmod !== null) await promisify(execFile)(chmod, ["-R", "a+rX", "--", draft]);
  await rm(directory, { recursive: true, force: true });
  await rename(draft, directory);
}

/** `cp` takes a few milliseconds for hundreds of certificates, Node's own copy most of a second. Links stay links. */
function treeCopier(): (from: string, to: string) => Promise<unknown> {
  const program = findProgram("cp");
  if (program === null) return (from, to) => cp(from, to, { recursive: true, verbatimSymlinks: true });
  return (from, to) => promisify(execFile)(program, ["-R", "-P", "--", from, to]);
}
