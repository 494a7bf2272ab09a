import { expect, test } from "vitest";
import type { DriverHarness } from "./driver-harness.ts";
import { boot, destroyAndConfirm, sh, waitForIdentity, within } from "./driver-probe.ts";

const FILL_MEMORY =
  "const held = []; for (let i = 0; i < 64; i++) held.push(Buffer.alloc(16 << 20, 1)); console.log('all')";
const BUSY =
  "const end = Date.now() + 700; while (Date.now() < end); const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)";

export function describeDriverResources(current: () => DriverHarness): void {
  test("stats tell memory, processes, disk and CPU of what really runs", async () => {
    const { driver, spec: makeSpec, node, workspace } = current();
    const handle = await boot(driver, makeSpec());
    const first = await driver.stats(handle, within());
    expect(first.processes).toBeGreaterThan(0);
    expect(first.memoryBytes).toBeGreaterThan(1024 ** 2);
    await sh(driver, handle, `dd if=/dev/zero of=${workspace(handle)}/big bs=1M count=8 2>/dev/null`);
    await driver.exec(handle, { command: [node, "-e", BUSY] }, within());
    const second = await driver.stats(handle, within());
    expect(second.diskBytes - first.diskBytes).toBeGreaterThanOrEqual(8 * 1024 ** 2);
    expect(second.cpuPercent).toBeGreaterThan(5);
    await driver.stop(handle, within());
    expect(await driver.stats(handle, within())).toMatchObject({ processes: 0, memoryBytes: 0 });
    await destroyAndConfirm(driver, handle);
  });

  test("the memory limit holds: whoever takes too much is ended, and the machine is not", async () => {
    const { driver, spec: makeSpec, node } = current();
    if (!driver.capabilities.limits.includes("memory")) return console.info("skipped: memory is not limited");
    const handle = await boot(driver, makeSpec({ resources: { cpus: null, memoryMb: 256, diskMb: null } }));
    const result = await driver.exec(handle, { command: [node, "-e", FILL_MEMORY] }, within());
    expect(result.exitCode).not.toBe(0);
    expect(result.stdout).not.toContain("all");
    await waitForIdentity(driver, handle);
    await destroyAndConfirm(driver, handle);
  });

  test("the CPU limit holds", async () => {
    const { driver, spec: makeSpec, node } = current();
    if (!driver.capabilities.limits.includes("cpus")) return console.info("skipped: CPU is not limited");
    const handle = await boot(driver, makeSpec({ resources: { cpus: 0.25, memoryMb: null, diskMb: null } }));
    const { stdout } = await driver.exec(handle, { command: [node, "-e", BUSY] }, within());
    // 700 ms at a quarter of a core are 175 ms; the rest is for one period and Node's own start.
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(Number(stdout)).toBeLessThan(450);
    await destroyAndConfirm(driver, handle);
  });

  test("the limit of processes holds: a fork bomb runs into it, and the container stays", async () => {
    const { driver, spec: makeSpec } = current();
    if (!driver.capabilities.limits.includes("processes"))
      return console.info("skipped: processes are not limited");
    const handle = await boot(driver, makeSpec());
    const bomb = "i=0; while [ $i -lt 6000 ]; do sleep 60 >/dev/null 2>&1 & i=$((i+1)); done; echo through";
    const { stdout, exitCode } = await sh(driver, handle, bomb);
    expect(stdout).not.toContain("through");
    expect(exitCode).not.toBe(0);
    await waitForIdentity(driver, handle);
    await destroyAndConfirm(driver, handle);
  });

  test("a dependency layer can be changed inside, and the original stays as it was", async () => {
    const { driver, spec: makeSpec, workspace, dependencyPath } = current();
    if (dependencyPath === null) return console.info("skipped: this engine mounts no layers");
    const dependencies = [{ key: "k", path: dependencyPath, target: "node_modules" }];
    const one = await boot(driver, makeSpec({ dependencies }));
    const other = await boot(driver, makeSpec({ dependencies }));
    const at = `${workspace(one)}/node_modules/layer`;
    const before = (await sh(driver, other, `cat ${at}/index.js`)).stdout;
    expect(before).not.toBe("");
    const changed = await sh(
      driver,
      one,
      `echo mine > ${at}/index.js && echo new > ${at}/new.js && cat ${at}/*`,
    );
    expect(changed).toMatchObject({ exitCode: 0, stdout: "mine\nnew\n" });
    await sh(driver, one, `rm -rf ${at}`);
    expect((await sh(driver, other, `cat ${at}/index.js; ls ${at}`)).stdout).toBe(`${before}index.js\n`);
    const third = await boot(driver, makeSpec({ dependencies }));
    expect((await sh(driver, third, `cat ${at}/index.js; ls ${at}`)).stdout).toBe(`${before}index.js\n`);
    // What was changed lasts over a stop, like the workspace.
    await driver.stop(one, within());
    await driver.start(one, { identity: await waitForIdentity(driver, third), run: null }, within());
    await waitForIdentity(driver, one);
    expect((await sh(driver, one, `ls ${at}`)).exitCode).not.toBe(0);
    for (const handle of [one, other, third]) await destroyAndConfirm(driver, handle);
  });
}
