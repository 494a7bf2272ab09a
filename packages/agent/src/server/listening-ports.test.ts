import { expect, test } from "vitest";
import { parseTcpTable } from "./listening-ports.ts";

const header =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const line = (local: string, state: string, inode: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0\n`;

test("listening sockets that loopback reaches, and how to dial them", () => {
  const table =
    header +
    line("0100007F:1435", "0A", "1") +
    line("00000000:0050", "0A", "2") +
    line("00000000000000000000000001000000:1770", "0A", "3") +
    line("00000000000000000000000000000000:1F90", "0A", "4") +
    line("0100007F:1436", "01", "5") +
    line("0200000A:1437", "0A", "6");
  expect(parseTcpTable(table)).toEqual([
    { port: 5173, host: "127.0.0.1", inode: "1" },
    { port: 80, host: "127.0.0.1", inode: "2" },
    { port: 6000, host: "::1", inode: "3" },
    { port: 8080, host: "::1", inode: "4" },
  ]);
  expect(parseTcpTable("")).toEqual([]);
});
