import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { BenchRow } from "./src/bench-row.ts";
import { HOST, MODULE_PATH, startGatewayPeers } from "./src/gateway-peers.ts";
import { median } from "./src/measure.ts";

const ROUNDS = 7;
const SECONDS = 2;
const CONNECTIONS = 32;
const exec = promisify(execFile);

/** P6: requests per second for a 10 KB module at 32 connections, beside nginx (one worker) and http-proxy. Needs `wrk`. */
export async function run(): Promise<BenchRow[]> {
  await using peers = await startGatewayPeers();
  const rates = { ours: [] as number[], nginx: [] as number[], httpProxy: [] as number[] };
  for (const port of [peers.gatewayPort, peers.nginxPort, peers.httpProxyPort]) await rate(port);
  for (let round = 0; round < ROUNDS; round++) {
    rates.nginx.push(await rate(peers.nginxPort));
    rates.ours.push(await rate(peers.gatewayPort));
    rates.httpProxy.push(await rate(peers.httpProxyPort));
  }
  const ours = median(rates.ours);
  // Rounds are paired: on a busy machine the neighbours of a round say more than the medians of all.
  const ratio = (theirs: readonly number[]) =>
    median(rates.ours.map((value, round) => value / (theirs[round] ?? Number.NaN)));
  const row = (peer: string, theirs: readonly number[], target: number): BenchRow => ({
    id: "P6",
    what: `10 KB module, ${CONNECTIONS} connections, beside ${peer}`,
    ours,
    theirs: median(theirs),
    unit: "/s",
    ratio: ratio(theirs),
    target: `≥ ${target}×`,
    pass: ratio(theirs) >= target,
  });
  return [row("nginx", rates.nginx, 0.6), row("http-proxy", rates.httpProxy, 2)];
}

async function rate(port: number): Promise<number> {
  const { stdout } = await exec("wrk", [
    "-t1",
    `-c${CONNECTIONS}`,
    `-d${SECONDS}s`,
    "-H",
    `Host: ${HOST}`,
    `http://127.0.0.1:${port}${MODULE_PATH}`,
  ]);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`errors under load:\n${stdout}`);
  const match = /Requests\/sec:\s+([0-9.]+)/.exec(stdout);
  if (match?.[1] === undefined) throw new Error(`wrk said:\n${stdout}`);
  return Number(match[1]);
}
