import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startVelocity } from "@velocity/e2e/velocity";
import { freePort } from "./src/bare-vite.ts";
import type { BenchRow } from "./src/bench-row.ts";
import { getWhenUp } from "./src/http.ts";
import { median } from "./src/measure.ts";

/** P14: `npm start` to ready, with an embedded database that exists. There is no peer: the target is a time. */
export async function run(): Promise<BenchRow[]> {
  const dataDir = await mkdtemp(join(tmpdir(), "velocity-p14-"));
  const times: number[] = [];
  for (let round = 0; round < 6; round++) {
    const port = await freePort();
    const startedAt = performance.now();
    const starting = startVelocity({ dataDir, port, env: { VELOCITY_LOG: "error" } });
    await getWhenUp(port, `127.0.0.1:${port}`, "/ready");
    if (round > 0) times.push(performance.now() - startedAt);
    const velocity = await starting;
    await velocity.end("SIGINT");
  }
  await rm(dataDir, { recursive: true, force: true });
  const ours = median(times);
  return [
    {
      id: "P14",
      what: "server start to ready, through npm",
      ours,
      theirs: 1500,
      unit: "ms",
      ratio: ours / 1500,
      target: "≤ 1500 ms",
      pass: ours <= 1500,
    },
  ];
}
