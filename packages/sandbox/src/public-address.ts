import { BlockList, isIP } from "node:net";

/**
 * Ranges that untrusted code must not reach, whatever name led there: this host, private and shared networks, link-local
 * (cloud metadata), multicast, reserved and documentation ranges (IANA special-purpose registries), and the address of
 * Azure's own host agent, which looks public.
 */
const REFUSED_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Of version 6 only global unicast (2000::/3) may be reached, without these: Teredo and other protocols, documentation, 6to4. */
const REFUSED_V6: readonly (readonly [string, number])[] = [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
];

/** Decides by address alone. */
export interface AddressPolicy {
  isPublic(address: string): boolean;
}

export function createAddressPolicy(): AddressPolicy {
  const refused = new BlockList();
  for (const [net, bits] of REFUSED_V4) refused.addSubnet(net, bits, "ipv4");
  for (const [net, bits] of REFUSED_V6) refused.addSubnet(net, bits, "ipv6");
  const global = new BlockList();
  global.addSubnet("2000::", 3, "ipv6");
  const publicV4 = (address: string): boolean => !refused.check(address, "ipv4");
  return {
    isPublic(address) {
      const family = isIP(address);
      if (family === 4) return publicV4(address);
      if (family !== 6 || address.includes("%")) return false;
      const embedded = embeddedV4(address);
      if (embedded !== null) return publicV4(embedded);
      return global.check(address, "ipv6") && !refused.check(address, "ipv6");
    },
  };
}

/** The version 4 address inside a mapped (`::ffff:0:0/96`) or translated (`64:ff9b::/96`, NAT64) one. */
function embeddedV4(address: string): string | null {
  const groups = expand(address);
  const prefix = groups.slice(0, 6).join(":");
  if (prefix !== "0:0:0:0:0:ffff" && prefix !== "64:ff9b:0:0:0:0") return null;
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

/** Eight groups in lower case, without leading zeros. The URL parser writes the shortest form, dotted tails included. */
function expand(address: string): readonly string[] {
  const short = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = "", tail] = short.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  return [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
}
