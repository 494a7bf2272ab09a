import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { containerIdSchema } from "@velocity/contract";
import { expect, test } from "vitest";
import type { DriverHarness } from "./driver-harness.ts";
import {
  askIdentity,
  boot,
  codeOf,
  destroyAndConfirm,
  identityOf,
  sh,
  statusOf,
  waitForIdentity,
  within,
} from "./driver-probe.ts";

/** Writes its longest pause (ms), its pid and a counter, many times a second. */
const HEARTBEAT = `
let longest = 0, last = Date.now(), count = 0;
setInterval(() => {
  const now = Date.now();
  longest = Math.max(longest, now - last);
  last = now;
  require("node:fs").writeFileSync("/tmp/beat-MARK.new", [longest, process.pid, ++count].join(" "));
  require("node:fs").renameSync("/tmp/beat-MARK.new", "/tmp/beat-MARK");
}, 10);
`;

export function describeDriverLifecycle(current: () => DriverHarness): void {
  test("a container is created, runs, stops and is destroyed, and says so at every step", async () => {
    const { driver, spec: makeSpec } = current();
    const spec = makeSpec();
    const { ref } = await driver.create(spec, within());
    const handle = { containerId: spec.containerId, ref };
    expect(await statusOf(driver, handle)).toBe("created");
    await driver.start(handle, { identity: identityOf(spec, 1), run: null }, within());
    expect(await waitForIdentity(driver, handle)).toEqual(identityOf(spec, 1));
    expect(await statusOf(driver, handle)).toBe("running");
    await driver.stop(handle, within());
    expect(await statusOf(driver, handle)).toBe("stopped");
    await destroyAndConfirm(driver, handle);
  });

  test("create is idempotent by id: the second call finds the first one's container", async () => {
    const { driver, spec: makeSpec, workspace } = current();
    const spec = makeSpec({ seed: [{ path: "kept.txt", content: "first", encoding: "utf8" }] });
    const handle = await boot(driver, spec);
    await sh(driver, handle, `echo changed > ${workspace(handle)}/kept.txt`);
    expect(await driver.create(spec, within())).toEqual({ ref: handle.ref });
    const listed = (await driver.list(within())).filter((one) => one.containerId === spec.containerId);
    expect(listed).toHaveLength(1);
    expect((await sh(driver, handle, `cat ${workspace(handle)}/kept.txt`)).stdout).toBe("changed\n");
    await destroyAndConfirm(driver, handle);
  });

  test("creating the same container several times at once makes one", async () => {
    const { driver, spec: makeSpec } = current();
    const spec = makeSpec();
    const refs = await Promise.all(Array.from({ length: 8 }, () => driver.create(spec, within())));
    expect(new Set(refs.map(({ ref }) => ref)).size).toBe(1);
    await destroyAndConfirm(driver, { containerId: spec.containerId, ref: refs[0]?.ref ?? "" });
  });

  test("labels come back as they were given, from inspect and from list", async () => {
    const { driver, spec: makeSpec } = current();
    const spec = makeSpec();
    const { ref } = await driver.create(spec, within());
    const seen = await driver.inspect({ containerId: spec.containerId, ref }, within());
    expect(seen.status === "gone" ? {} : seen.labels).toMatchObject(spec.labels);
    const listed = (await driver.list(within())).find((one) => one.containerId === spec.containerId);
    expect(listed).toMatchObject({ ref, labels: spec.labels });
    expect(Math.abs(Date.now() - (listed?.createdAt.getTime() ?? 0))).toBeLessThan(60_000);
    await destroyAndConfirm(driver, { containerId: spec.containerId, ref });
  });

  test("the workspace is seeded, in folders too, and unsafe paths are refused without a trace", async () => {
    const { driver, spec: makeSpec, workspace } = current();
    if (!driver.capabilities.seedsWorkspace) return console.info("skipped: this engine does not seed");
    const spec = makeSpec({
      seed: [
        { path: "a.txt", content: "plain", encoding: "utf8" },
        { path: "deep/er/b.bin", content: Buffer.from([0, 255, 10]).toString("base64"), encoding: "base64" },
      ],
    });
    const handle = await boot(driver, spec);
    const { stdout } = await sh(
      driver,
      handle,
      `cd ${workspace(handle)} && cat a.txt && od -An -tu1 deep/er/b.bin`,
    );
    expect(stdout.replace(/\s+/g, " ").trim()).toBe("plain 0 255 10");
    await destroyAndConfirm(driver, handle);
    for (const path of ["../out", "/etc/x", "a/../../out", "a\\b", ".git/config"]) {
      const bad = makeSpec({ seed: [{ path, content: "", encoding: "utf8" }] });
      expect(await codeOf(driver.create(bad, within())), path).toBe("validation");
      expect(await statusOf(driver, { containerId: bad.containerId })).toBe("gone");
    }
  });

  test("suspend keeps memory: the same process goes on after a resume, and did nothing in between", async () => {
    const { driver, spec: makeSpec, node } = current();
    if (driver.capabilities.suspend !== "memory")
      return console.info(`skipped: this engine keeps ${driver.capabilities.suspend}`);
    const handle = await boot(driver, makeSpec());
    const mark = handle.containerId;
    // In a session of its own, as a terminal's programs are: a process group would miss it.
    const script = HEARTBEAT.replaceAll("\n", " ").replaceAll("MARK", mark);
    await sh(driver, handle, `setsid ${node} -e '${script}' >/dev/null 2>&1 &`);
    const beat = async () => {
      for (;;) {
        const { stdout, exitCode } = await sh(driver, handle, `cat /tmp/beat-${mark}`);
        const [longest = 0, pid = 0, count = 0] = stdout.split(" ").map(Number);
        if (exitCode === 0) return { longest, pid, count };
      }
    };
    const before = await beat();
    await driver.suspend(handle, within());
    await driver.suspend(handle, within());
    expect(await statusOf(driver, handle)).toBe("suspended");
    const pauseMs = 500;
    const silence = askIdentity(driver.endpoint(handle, "control"), pauseMs);
    await expect(silence).rejects.toThrow();
    expect(await codeOf(sh(driver, handle, "true"))).toBe("invalid_state");
    await driver.resume(handle, within());
    await driver.resume(handle, within());
    expect(await statusOf(driver, handle)).toBe("running");
    await waitForIdentity(driver, handle);
    let after = await beat();
    while (after.count <= before.count + 1) after = await beat();
    expect(after.pid).toBe(before.pid);
    expect(after.longest).toBeGreaterThanOrEqual(pauseMs * 0.9);
    await sh(driver, handle, `rm -f /tmp/beat-${mark}*`);
    await destroyAndConfirm(driver, handle);
  });

  test("a suspended container can be stopped, and destroyed", async () => {
    const { driver, spec: makeSpec } = current();
    if (driver.capabilities.suspend !== "memory") return console.info("skipped: no suspend in memory");
    const stopped = await boot(driver, makeSpec());
    await driver.suspend(stopped, within());
    await driver.stop(stopped, within());
    expect(await statusOf(driver, stopped)).toBe("stopped");
    await destroyAndConfirm(driver, stopped);
    const destroyed = await boot(driver, makeSpec());
    await driver.suspend(destroyed, within());
    await destroyAndConfirm(driver, destroyed);
  });

  test("stop ends every process and keeps the workspace; start boots it again with a new identity", async () => {
    const { driver, spec: makeSpec, workspace } = current();
    const spec = makeSpec();
    const handle = await boot(driver, spec, 1);
    // A number that no other program of this machine has in its command line.
    const seconds = `3${Date.now()}`;
    await sh(
      driver,
      handle,
      `echo kept > ${workspace(handle)}/file; setsid sleep ${seconds} >/dev/null 2>&1 &`,
    );
    await driver.stop(handle, within());
    await driver.stop(handle, within());
    expect(await codeOf(askIdentity(driver.endpoint(handle, "control"), 1000))).not.toBe("none");
    await driver.start(handle, { identity: identityOf(spec, 2), run: null }, within());
    expect((await waitForIdentity(driver, handle)).generation).toBe(2);
    expect((await sh(driver, handle, `cat ${workspace(handle)}/file`)).stdout).toBe("kept\n");
    expect((await sh(driver, handle, "cat /proc/[0-9]*/cmdline")).stdout).not.toContain(seconds);
    await destroyAndConfirm(driver, handle);
  });

  test("starting what runs changes nothing", async () => {
    const { driver, spec: makeSpec } = current();
    const spec = makeSpec();
    const handle = await boot(driver, spec, 1);
    await driver.start(handle, { identity: identityOf(spec, 9), run: null }, within());
    expect((await waitForIdentity(driver, handle)).generation).toBe(1);
    await destroyAndConfirm(driver, handle);
  });

  test("exec gives exit code, output, folder and environment", async () => {
    const { driver, spec: makeSpec } = current();
    const handle = await boot(driver, makeSpec());
    const command = ["sh", "-c", "pwd; echo $WHO; echo bad >&2; exit 3"];
    const result = await driver.exec(handle, { command, cwd: "/tmp", env: { WHO: "me" } }, within());
    expect(result).toEqual({ exitCode: 3, stdout: "/tmp\nme\n", stderr: "bad\n", truncated: false });
    await driver.stop(handle, within());
    expect(await codeOf(sh(driver, handle, "true"))).toBe("invalid_state");
    await destroyAndConfirm(driver, handle);
  });

  test("logs tell what the container printed, and no more lines than were asked for", async () => {
    const { driver, spec: makeSpec } = current();
    const handle = await boot(driver, makeSpec());
    let lines = await driver.logs(handle, { tail: 100 }, within());
    for (let tries = 0; lines.length === 0 && tries < 200; tries++) {
      await delay(10);
      lines = await driver.logs(handle, { tail: 100 }, within());
    }
    expect(lines.length).toBeGreaterThan(0);
    expect(await driver.logs(handle, { tail: 0 }, within())).toEqual([]);
    expect(await driver.logs(handle, { tail: 1 }, within())).toEqual(lines.slice(-1));
    await destroyAndConfirm(driver, handle);
  });

  test("what does not exist is gone; destroying it, or destroying twice, succeeds", async () => {
    const { driver, spec: makeSpec } = current();
    const never = { containerId: containerIdSchema.parse(randomUUID()), ref: "" };
    expect(await statusOf(driver, never)).toBe("gone");
    await driver.destroy(never, within());
    expect(await codeOf(driver.stop(never, within()))).toBe("not_found");
    const handle = await boot(driver, makeSpec());
    await Promise.all([driver.destroy(handle, within()), driver.destroy(handle, within())]);
    await destroyAndConfirm(driver, handle);
  });
}
