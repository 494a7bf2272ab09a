import { startVelocity } from "@velocity/e2e/velocity";
import { bareProject, bareStartMs } from "./src/bare-vite.ts";
import type { BenchRow } from "./src/bench-row.ts";
import { inTurn, median } from "./src/measure.ts";
import { startToModuleMs } from "./src/session.ts";

/** P1: cold start with cached dependencies and no pool, beside bare Vite. */
export async function run(): Promise<BenchRow[]> {
  const bare = await bareProject("react");
  await using velocity = await startVelocity({ env: { VELOCITY_POOL_SIZE: "0", VELOCITY_LOG: "error" } });
  const options = { template: "react", module: "/src/main.jsx" };
  const ours = async () => {
    const start = await startToModuleMs(velocity, options);
    await start.remove();
    return start.ms;
  };
  await ours(); // fills the dependency cache
  const measured = await inTurn(9, ours, () => bareStartMs(bare.directory));
  await bare.remove();
  const row = { ours: median(measured.ours), theirs: median(measured.theirs) };
  const ratio = row.ours / row.theirs;
  return [
    {
      id: "P1",
      what: "cold start, dependencies cached, no pool",
      ...row,
      unit: "ms",
      ratio,
      target: "≤ 1.3×",
      pass: ratio <= 1.3,
    },
  ];
}
