import { expect, test } from "vitest";
import { createAddressPolicy } from "./public-address.ts";

const { isPublic } = createAddressPolicy();

test("public addresses may be reached", () => {
  for (const address of ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "64:ff9b::1.1.1.1"])
    expect(isPublic(address), address).toBe(true);
});

test("private, local, shared, link-local, multicast and reserved addresses may not, in any notation", () => {
  for (const address of [
    ...["127.0.0.1", "127.255.0.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1"],
    ...["169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1"],
    ...["224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "203.0.113.9"],
    ...["::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1"],
    ...[
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "::ffff:169.254.169.254",
      "64:ff9b::10.0.0.1",
      "64:ff9b::7f00:1",
    ],
    ...["2002:7f00:1::", "2001::1", "::127.0.0.1", "64:ff9b:1::1", "not an address", ""],
  ])
    expect(isPublic(address), address).toBe(false);
});
