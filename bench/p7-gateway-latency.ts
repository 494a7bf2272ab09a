import { once } from "node:events";
import { connect } from "node:net";
import type { BenchRow } from "./src/bench-row.ts";
import { HOST, MODULE_PATH, startGatewayPeers } from "./src/gateway-peers.ts";
import { quantile } from "./src/measure.ts";

const ROUNDS = 20;
const REQUESTS = 250;
const BODY_BYTES = 10 * 1024;

/** P7: latency that the gateway adds to a 10 KB module on one kept connection, beside the app itself. */
export async function run(): Promise<BenchRow[]> {
  await using peers = await startGatewayPeers();
  const ours: number[] = [];
  const theirs: number[] = [];
  await latencies(peers.gatewayPort, 2000);
  await latencies(peers.directPort, 500);
  for (let round = 0; round < ROUNDS; round++) {
    theirs.push(...(await latencies(peers.directPort, REQUESTS)));
    ours.push(...(await latencies(peers.gatewayPort, REQUESTS)));
  }
  return (
    [
      ["p50", 0.5, 0.2],
      ["p99", 0.99, 1],
    ] as const
  ).map(([name, q, limit]) => {
    const row = { ours: quantile(ours, q), theirs: quantile(theirs, q) };
    return {
      id: "P7",
      what: `added latency, 1 connection, ${name}`,
      ...row,
      unit: "ms",
      ratio: row.ours / row.theirs,
      target: `≤ +${limit} ms`,
      pass: row.ours - row.theirs <= limit,
      note: `+${(row.ours - row.theirs).toFixed(3)} ms`,
    };
  });
}

/** Milliseconds of each of `count` requests, one after the other on one connection. */
async function latencies(port: number, count: number): Promise<number[]> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  const request = `GET ${MODULE_PATH} HTTP/1.1\r\nHost: ${HOST}\r\nAccept: */*\r\n\r\n`;
  const times: number[] = [];
  let answered: (() => void) | null = null;
  let head = "";
  let left = -1;
  socket.on("data", (chunk: Buffer) => {
    let body = chunk.length;
    if (left === -1) {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end === -1) return;
      body = head.length - end - 4;
      left = BODY_BYTES;
      head = "";
    }
    left -= body;
    if (left > 0) return;
    left = -1;
    answered?.();
  });
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    await new Promise<void>((resolve) => {
      answered = resolve;
      socket.write(request);
    });
    times.push(performance.now() - startedAt);
  }
  socket.destroy();
  return times;
}
