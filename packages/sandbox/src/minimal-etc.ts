import { existsSync, statSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { INSIDE_GID, INSIDE_HOME, INSIDE_UID } from "./sandbox-spec.ts";

/**
 * What of the host's own `/etc` programs need to find libraries, certificates and the time. No folder with private keys
 * is among them: a sandbox that runs a root-owned directory could read those.
 */
export const ETC_FROM_HOST: readonly string[] = [
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
 * Writes the `/etc` that sandboxes see: one user, one host name, no name server, and a mount point for whatever the host
 * has of `ETC_FROM_HOST`. One folder serves all sandboxes, read-only.
 */
export async function writeMinimalEtc(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 });
  for (const path of ETC_FROM_HOST.filter((path) => existsSync(path))) {
    const point = join(directory, path.slice("/etc/".length));
    if (statSync(path).isDirectory()) await mkdir(point, { recursive: true, mode: 0o755 });
    else {
      await mkdir(dirname(point), { recursive: true, mode: 0o755 });
      await writeFile(point, "", { mode: 0o644 });
    }
  }
  await Promise.all(
    Object.entries(FILES).map(([name, text]) => writeFile(join(directory, name), text, { mode: 0o644 })),
  );
}
