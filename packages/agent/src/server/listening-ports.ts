import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ListeningPort {
  readonly port: number;
  /** Address to dial: a wildcard listener is dialled on loopback. */
  readonly host: string;
  readonly inode: string;
}

const LISTEN = "0A";

/** Listening sockets of a `/proc/net/tcp` or `tcp6` table. Pure; other than loopback and wildcard addresses are left out. */
export function parseTcpTable(table: string): ListeningPort[] {
  const ports: ListeningPort[] = [];
  for (const line of table.split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    if (fields[3] !== LISTEN) continue;
    const [address = "", port = ""] = (fields[1] ?? "").split(":");
    const host = dialAddress(address);
    if (host !== null) ports.push({ port: Number.parseInt(port, 16), host, inode: fields[9] ?? "" });
  }
  return ports;
}

function dialAddress(hex: string): string | null {
  if (hex === "00000000" || hex === "0100007F") return "127.0.0.1";
  // Dual-stack wildcard listeners answer on both; `::1` only on itself.
  if (/^0+$/.test(hex)) return "::1";
  if (hex === "00000000000000000000000001000000") return "::1";
  return null;
}

/** Listening ports of the network namespace; null where the system does not say (no /proc). */
export function readListeningPorts(): ListeningPort[] | null {
  const ports: ListeningPort[] = [];
  let known = false;
  for (const path of ["/proc/self/net/tcp", "/proc/self/net/tcp6"]) {
    try {
      ports.push(...parseTcpTable(readFileSync(path, "latin1")));
      known = true;
    } catch {
      // A kernel without IPv6 has one of the two.
    }
  }
  return known ? ports : null;
}

/** Those of `ports` that one of `pids` holds, as far as /proc can tell. */
export function ownedPorts(ports: readonly ListeningPort[], pids: readonly number[]): ListeningPort[] {
  const wanted = new Map(ports.map((port) => [`socket:[${port.inode}]`, port]));
  const owned = new Set<ListeningPort>();
  for (const pid of pids) {
    let handles: string[];
    try {
      handles = readdirSync(`/proc/${pid}/fd`);
    } catch {
      continue;
    }
    for (const handle of handles) {
      try {
        const port = wanted.get(readlinkSync(`/proc/${pid}/fd/${handle}`));
        if (port !== undefined) owned.add(port);
      } catch {
        // Closed between the two reads.
      }
    }
  }
  return [...owned];
}
