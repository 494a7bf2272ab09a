import { startVelocity } from "@velocity/e2e/velocity";
import type { BenchRow } from "./src/bench-row.ts";
import { get } from "./src/http.ts";
import { quantile } from "./src/measure.ts";
import { startToModuleMs } from "./src/session.ts";

const ROUNDS = 40;

/** P3: a request to a frozen session, beside the same request when it is awake. */
export async function run(): Promise<BenchRow[]> {
  await using velocity = await startVelocity({ env: { VELOCITY_POOL_SIZE: "0", VELOCITY_LOG: "error" } });
  const { started } = await startToModuleMs(velocity, { template: "react", module: "/src/main.jsx" });
  const { host } = new URL(started.session.url);
  const navigate = { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" };
  const ask = async () => {
    const startedAt = performance.now();
    const answer = await get(velocity.port, host, "/", navigate);
    if (answer.status !== 200) throw new Error(`answered ${answer.status}`);
    return performance.now() - startedAt;
  };
  await ask();
  const awake: number[] = [];
  const frozen: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    awake.push(await ask());
    await velocity.api("POST", `/api/sessions/${started.session.id}/stop`);
    frozen.push(await ask());
  }
  return (
    [
      ["p50", 0.5, 30],
      ["p95", 0.95, 60],
    ] as const
  ).map(([name, q, limit]) => {
    const row = { ours: quantile(frozen, q), theirs: quantile(awake, q) };
    return {
      id: "P3",
      what: `wake from frozen, ${name}`,
      ...row,
      unit: "ms",
      ratio: row.ours / row.theirs,
      target: `≤ +${limit} ms`,
      pass: row.ours - row.theirs <= limit,
    };
  });
}
