import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeDriverFaults } from "./describe-faults.ts";
import { describeDriverIsolation } from "./describe-isolation.ts";
import { describeDriverLifecycle } from "./describe-lifecycle.ts";
import { describeDriverResources } from "./describe-resources.ts";
import type { DescribeDriverOptions, DriverHarness } from "./driver-harness.ts";

/**
 * What every container engine has to hold, on the engine itself. Call it at the top level of a test file. The last test
 * looks for what was left behind.
 */
export function describeDriver(
  name: string,
  makeHarness: () => Promise<DriverHarness>,
  options: DescribeDriverOptions,
): void {
  describe(`driver ${name}`, () => {
    let harness: DriverHarness | undefined;
    const current = (): DriverHarness => {
      if (harness === undefined) throw new Error("the harness could not be made");
      return harness;
    };
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterAll(() => harness?.close());

    const parts = options.parts ?? ["lifecycle", "resources", "isolation", "faults"];
    if (parts.includes("lifecycle")) describeDriverLifecycle(current);
    if (parts.includes("resources")) describeDriverResources(current);
    if (parts.includes("isolation")) describeDriverIsolation(current);
    if (parts.includes("faults")) describeDriverFaults(current, options);

    test("nothing is left behind: no container, process, mount, folder, control group or socket", async () => {
      const { driver } = current();
      for (const { containerId, ref } of await driver.list({ signal: AbortSignal.timeout(30_000) }))
        expect.soft({ containerId, ref }, "container that a test did not destroy").toBeNull();
      expect(await current().leftovers()).toEqual([]);
    });
  });
}
