import { startVelocity, type Velocity } from "@velocity/e2e/velocity";
import { bareProject, bareStartMs } from "./src/bare-vite.ts";
import type { BenchRow } from "./src/bench-row.ts";
import { inTurn, median } from "./src/measure.ts";
import { startToModuleMs } from "./src/session.ts";

/** P2: start from the warm pool, without and with environment variables (then the dev server is restarted). */
export async function run(): Promise<BenchRow[]> {
  const bare = await bareProject("react");
  await using velocity = await startVelocity({ env: { VELOCITY_POOL_SIZE: "1", VELOCITY_LOG: "error" } });
  const options = { template: "react", module: "/src/main.jsx" };
  const first = await startToModuleMs(velocity, options);
  await first.remove();
  const rows: BenchRow[] = [];
  for (const [what, env, limit] of [
    ["start from the pool", undefined, 0.2],
    ["start from the pool with env", { GREETING: "hello" }, 1.0],
  ] as const) {
    const measured = await inTurn(
      9,
      async () => {
        await poolIsFull(velocity);
        const start = await startToModuleMs(velocity, env === undefined ? options : { ...options, env });
        if (start.started.source !== "pool")
          throw new Error(`started from ${start.started.source}, not from the pool`);
        await start.remove();
        return start.ms;
      },
      () => bareStartMs(bare.directory),
    );
    const row = { ours: median(measured.ours), theirs: median(measured.theirs) };
    const ratio = row.ours / row.theirs;
    rows.push({
      id: "P2",
      what,
      ...row,
      unit: "ms",
      ratio,
      target: `≤ ${limit.toFixed(1)}×`,
      pass: ratio <= limit,
    });
  }
  await bare.remove();
  return rows;
}

async function poolIsFull(velocity: Velocity): Promise<void> {
  for (let round = 0; round < 1200; round++) {
    const pool = await velocity.api<{ available: number }>("GET", "/api/pool");
    if (pool.available >= 1) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error("the pool did not fill");
}
