import type { ContainerSpec } from "@velocity/core";
import { detectSandbox } from "@velocity/sandbox";
import { type HarnessSettings, openHarnessDriver } from "./process-harness.ts";

/**
 * A server that will be killed: starts a container in the engine of the test that runs it, as
 * `node doomed-server.fixture.ts <settings> <spec>`, and says what it is about to do.
 */
const [settings, spec] = process.argv.slice(2).map((text): unknown => JSON.parse(text)) as [
  HarnessSettings,
  ContainerSpec,
];
const support = await detectSandbox();
const driver = await openHarnessDriver(settings, support, support.cgroups);
const call = { signal: AbortSignal.timeout(30_000) };
process.stdout.write("begin\n");
const { ref } = await driver.create(spec, call);
const handle = { containerId: spec.containerId, ref };
for (;;) {
  await driver.start(handle, { identity: spec.identity, run: null }, call);
  process.stdout.write("started\n");
  await driver.suspend(handle, call);
  await driver.resume(handle, call);
  await driver.stop(handle, call);
}
