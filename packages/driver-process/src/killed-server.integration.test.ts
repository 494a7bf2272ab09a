import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { detectSandbox } from "@velocity/sandbox";
import { destroyAndConfirm, sh, waitForIdentity, within } from "@velocity/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ProcessHarness, processHarness } from "./process-harness.ts";

const support = await detectSandbox();
if (support.namespaces === null) console.info("killed servers are not tested: no sandbox here");
const fixture = fileURLToPath(new URL("./doomed-server.fixture.ts", import.meta.url));

describe.skipIf(support.namespaces === null)("a server killed with -9", () => {
  let harness: ProcessHarness;
  beforeAll(async () => {
    harness = await processHarness(support, support.cgroups);
  });
  afterAll(() => harness.close());

  /** Runs a server and kills it this long after it began to make its container. */
  async function killAfter(ms: number): Promise<ReturnType<ProcessHarness["spec"]>> {
    const spec = harness.spec({ network: "registry" });
    const args = [fixture, JSON.stringify(harness.settings), JSON.stringify(spec)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    await once(child.stdout, "data");
    const timer = setTimeout(() => child.kill("SIGKILL"), ms);
    await exited;
    clearTimeout(timer);
    expect(child.signalCode).toBe("SIGKILL");
    return spec;
  }

  test("whenever it dies, the next one knows every container, and can go on with it or remove it", async () => {
    const seen = new Set<string>();
    for (const ms of [0, 4, 15, 40, 80, 110, 150, 200]) {
      const spec = await killAfter(ms);
      const driver = await harness.reopen();
      const handle = { containerId: spec.containerId, ref: spec.name };
      const { status } = await driver.inspect(handle, within());
      seen.add(status);
      const listed = (await driver.list(within())).map(({ containerId }) => containerId);
      expect(listed, `killed after ${ms} ms`).toEqual(status === "gone" ? [] : [spec.containerId]);
      if (status === "gone") await driver.create(spec, within());
      if (status === "suspended") await driver.resume(handle, within());
      else await driver.start(handle, { identity: spec.identity, run: null }, within());
      await waitForIdentity(driver, handle);
      expect((await sh(driver, handle, "echo alive")).stdout).toBe("alive\n");
      // Its way out is there again as well.
      expect((await sh(driver, handle, "test -S /run/velocity-host/egress.sock")).exitCode).toBe(0);
      await destroyAndConfirm(driver, handle);
      expect(await harness.leftovers(), `killed after ${ms} ms, ${status}`).toEqual([]);
    }
    console.info(`states that were found: ${[...seen].join(", ")}`);
    expect(seen.size).toBeGreaterThan(1);
  });
});
