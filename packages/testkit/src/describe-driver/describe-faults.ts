import { setTimeout as delay } from "node:timers/promises";
import type { ContainerHandle } from "@velocity/core";
import { expect, test } from "vitest";
import type { DescribeDriverOptions, DriverHarness } from "./driver-harness.ts";
import {
  askIdentity,
  boot,
  destroyAndConfirm,
  identityOf,
  sh,
  statusOf,
  waitForIdentity,
  within,
} from "./driver-probe.ts";

export function describeDriverFaults(current: () => DriverHarness, options: DescribeDriverOptions): void {
  test("a new driver finds what a lost one left: running, suspended, stopped and created", async () => {
    const { spec: makeSpec, workspace } = current();
    const { driver } = current();
    const specs = [makeSpec(), makeSpec(), makeSpec(), makeSpec()] as const;
    const running = await boot(driver, specs[0]);
    const frozen = await boot(driver, specs[1]);
    const stopped = await boot(driver, specs[2]);
    await sh(driver, stopped, `echo kept > ${workspace(stopped)}/file`);
    await sh(driver, frozen, `echo memory > /tmp/${frozen.containerId}`);
    const suspends = driver.capabilities.suspend === "memory";
    if (suspends) await driver.suspend(frozen, within());
    await driver.stop(stopped, within());
    const { ref } = await driver.create(specs[3], within());
    const created = { containerId: specs[3].containerId, ref };

    const next = await current().reopen();
    expect(await statusOf(next, running)).toBe("running");
    expect(await statusOf(next, frozen)).toBe(suspends ? "suspended" : "running");
    expect(await statusOf(next, stopped)).toBe("stopped");
    expect(await statusOf(next, created)).toBe("created");
    const listed = new Set((await next.list(within())).map(({ containerId }) => containerId));
    for (const { containerId } of specs) expect(listed).toContain(containerId);
    expect((await sh(next, running, "echo alive")).stdout).toBe("alive\n");
    if (suspends) await next.resume(frozen, within());
    expect(
      (await sh(next, frozen, `cat /tmp/${frozen.containerId}; rm /tmp/${frozen.containerId}`)).stdout,
    ).toBe("memory\n");
    await next.start(stopped, { identity: identityOf(specs[2], 2), run: null }, within());
    expect((await waitForIdentity(next, stopped)).generation).toBe(2);
    expect((await sh(next, stopped, `cat ${workspace(stopped)}/file`)).stdout).toBe("kept\n");
    expect(await next.create(specs[3], within())).toEqual({ ref });
    for (const handle of [running, frozen, stopped, created]) await destroyAndConfirm(next, handle);
  });

  test("a container that ends by itself is seen as stopped, and can be started again", async () => {
    const { driver, spec: makeSpec } = current();
    const spec = makeSpec();
    const handle = await boot(driver, spec, 1);
    // The parent of what exec runs is the program that the container was started with.
    await sh(driver, handle, "kill -9 $PPID").catch(() => undefined);
    const { signal } = within();
    while ((await statusOf(driver, handle)) !== "stopped") await delay(10, undefined, { signal });
    await driver.start(handle, { identity: identityOf(spec, 2), run: null }, within());
    expect((await waitForIdentity(driver, handle)).generation).toBe(2);
    await destroyAndConfirm(driver, handle);
  });

  test("an aborted call rejects, and leaves nothing half done", async () => {
    const { driver, spec: makeSpec } = current();
    const aborted = { signal: AbortSignal.abort() };
    const never = makeSpec();
    await expect(driver.create(never, aborted)).rejects.toThrow();
    expect(await statusOf(driver, never)).toBe("gone");
    await expect(driver.list(aborted)).rejects.toThrow();
    const spec = makeSpec();
    const { ref } = await driver.create(spec, within());
    const handle = { containerId: spec.containerId, ref };
    const boots = { identity: identityOf(spec, 1), run: null };
    await expect(driver.start(handle, boots, aborted)).rejects.toThrow();
    expect(await statusOf(driver, handle)).toBe("created");
    // Cut at various points: either it runs, or it does not and can be started.
    for (const ms of [1, 5, 10, 15, 20, 30]) {
      await driver.start(handle, boots, within(ms)).catch(() => undefined);
      if ((await statusOf(driver, handle)) !== "running") await driver.start(handle, boots, within());
      await waitForIdentity(driver, handle);
      await driver.stop(handle, within());
    }
    await destroyAndConfirm(driver, handle);
  });

  test(`${options.parallel} containers at once: each answers as itself, none is lost, all go`, async () => {
    const { driver, spec: makeSpec } = current();
    const specs = Array.from({ length: options.parallel }, () => makeSpec());
    const handles: ContainerHandle[] = await Promise.all(specs.map((spec) => boot(driver, spec)));
    const listed = new Set((await driver.list(within())).map(({ containerId }) => containerId));
    for (const handle of handles) {
      expect(listed).toContain(handle.containerId);
      const answer = await askIdentity(driver.endpoint(handle, "control"), 5000);
      expect(answer.containerId).toBe(handle.containerId);
    }
    await Promise.all(handles.map((handle) => destroyAndConfirm(driver, handle)));
  });
}
