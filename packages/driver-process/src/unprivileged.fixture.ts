import { detectSandbox } from "@velocity/sandbox";
import { boot, destroyAndConfirm, sh, within } from "@velocity/testkit";
import { processHarness } from "./process-harness.ts";

/** What an ordinary user gets: run as one, prints what it saw as JSON. */
const support = await detectSandbox();
if (support.namespaces === null) process.stdout.write(JSON.stringify({ skipped: support.advice }));
else {
  const harness = await processHarness(support, support.cgroups);
  const dependencies = [{ key: "k", path: harness.dependencyPath ?? "", target: "node_modules" }];
  const handle = await boot(harness.driver, harness.spec({ network: "registry", dependencies }));
  const run = async (script: string) => (await sh(harness.driver, handle, script)).stdout;
  const layer = await run("cd node_modules/layer && cat index.js && echo mine > index.js && cat index.js");
  const capabilities = await run("grep -c '^Cap.*0000000000000000$' /proc/self/status");
  const escapes = await run("mount -o remount,bind,rw /usr || unshare -U true || touch /usr/x || echo none");
  await harness.driver.suspend(handle, within());
  await harness.driver.resume(handle, within());
  const alive = await run("echo alive");
  await destroyAndConfirm(harness.driver, handle);
  const left = await harness.leftovers();
  await harness.close();
  process.stdout.write(JSON.stringify({ layer, capabilities, escapes, alive, left }));
}
