import { lstat, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { detectSandbox } from "@velocity/sandbox";
import { boot, codeOf, type DriverHarness, destroyAndConfirm, sh, within } from "@velocity/testkit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processHarness } from "./process-harness.ts";

const support = await detectSandbox();
if (support.namespaces === null) console.info("hostile containers are not tested: no sandbox here");

describe.skipIf(support.namespaces === null)("a container that turns against its host", () => {
  let harness: DriverHarness;
  let outside: string;
  beforeAll(async () => {
    harness = await processHarness(support, support.cgroups);
    outside = await mkdtemp(join(tmpdir(), "velocity-outside-"));
    await writeFile(join(outside, "precious"), "precious", { mode: 0o644 });
  });
  afterAll(async () => {
    const left = await harness.leftovers();
    await harness.close();
    await rm(outside, { recursive: true });
    expect(left).toEqual([]);
  });

  test("a link in place of its control socket is not followed", async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.end("{}");
    });
    const bait = join(outside, "bait.sock");
    await new Promise<void>((done) => server.listen({ path: bait }, () => done()));
    const { driver } = harness;
    const handle = await boot(driver, harness.spec());
    await sh(driver, handle, `rm /run/velocity/control.sock && ln -s ${bait} /run/velocity/control.sock`);
    expect(await codeOf(sh(driver, handle, "true"))).toBe("session_unavailable");
    expect(asked).toEqual([]);
    await destroyAndConfirm(driver, handle);
    await new Promise<void>((done) => server.close(() => done()));
  });

  test("links in its workspace, log and socket folder take nothing of the host with them", async () => {
    const { driver } = harness;
    const handle = await boot(driver, harness.spec());
    const script = [
      `ln -s ${outside} /workspace/out`,
      `ln -s ${outside} /run/velocity/out`,
      `ln -s ${join(outside, "precious")} /var/log/velocity/agent.log`,
    ].join(" && ");
    expect((await sh(driver, handle, script)).exitCode).toBe(0);
    const lines = await driver.logs(handle, { tail: 1000 }, within());
    expect(lines.map(({ text }) => text)).not.toContain("precious");
    await driver.stop(handle, within());
    expect(await readFile(join(outside, "precious"), "utf8")).toBe("precious");
    await destroyAndConfirm(driver, handle);
    expect(await readFile(join(outside, "precious"), "utf8")).toBe("precious");
  });

  test("a pipe in place of its log does not block the host", async () => {
    const { driver } = harness;
    const handle = await boot(driver, harness.spec());
    await sh(driver, handle, "mkfifo /var/log/velocity/agent.log");
    expect(Array.isArray(await driver.logs(handle, { tail: 10 }, within(5000)))).toBe(true);
    await destroyAndConfirm(driver, handle);
  });

  test("folders nested deeper than a path can be, unwritable and strangely named, are removed", async () => {
    const { driver, node } = harness;
    const handle = await boot(driver, harness.spec());
    const dig =
      "const fs = require('node:fs'); process.chdir('/workspace'); for (let i = 0; i < 400; i++) { fs.mkdirSync('d'.repeat(200)); process.chdir('d'.repeat(200)); }";
    const dug = await driver.exec(handle, { command: [node, "-e", dig] }, within());
    await sh(driver, handle, "mkdir -p /workspace/shut/in; chmod 000 /workspace/shut; touch /workspace/-rf");
    expect(dug.exitCode).toBe(0);
    await destroyAndConfirm(driver, handle);
  });

  test("its configuration and its egress socket are not its to change", async () => {
    const { driver } = harness;
    const handle = await boot(driver, harness.spec({ network: "registry" }));
    for (const attempt of [
      "rm /run/velocity-host/egress.sock",
      "echo x > /run/velocity-host/agent.json",
      "touch /run/velocity-host/x",
      "mv /run/velocity-host /run/x",
    ])
      expect((await sh(driver, handle, attempt)).exitCode, attempt).not.toBe(0);
    await destroyAndConfirm(driver, handle);
  });

  test("system calls that lead out of sandboxes are refused", async () => {
    const { driver } = harness;
    const handle = await boot(driver, harness.spec());
    expect((await sh(driver, handle, "grep Seccomp: /proc/self/status")).stdout).toMatch(/Seccomp:\s+2/);
    expect((await sh(driver, handle, "unshare -n true 2>&1")).stdout).toContain("not permitted");
    await destroyAndConfirm(driver, handle);
  });

  test("a linked directory of root is used as root without any of root's power", async () => {
    const { driver } = harness;
    const project = join(outside, "mono", "app");
    await mkdir(project, { recursive: true });
    await writeFile(join(outside, "mono", "shared.txt"), "shared");
    const workspace = { kind: "linked", directory: project, mountRoot: join(outside, "mono") } as const;
    const handle = await boot(driver, harness.spec({ workspace }));
    const { stdout } = await sh(
      driver,
      handle,
      "pwd; cat ../shared.txt; echo; echo saved > file; ls -a ../..",
    );
    expect(stdout.split("\n").slice(0, 2)).toEqual([project, "shared"]);
    expect(stdout).not.toContain("precious");
    const made = await stat(join(project, "file"));
    const owner = await stat(project);
    expect([made.uid, made.gid]).toEqual([owner.uid, owner.gid]);
    for (const attempt of [
      // Only what is there already, or does nothing: should a write get through, it must not harm the machine.
      "cat /proc/sys/kernel/core_pattern > /tmp/p && cat /tmp/p > /proc/sys/kernel/core_pattern",
      "cat /proc/sys/kernel/panic > /tmp/p && cat /tmp/p > /proc/sys/kernel/panic",
      "echo h > /proc/sysrq-trigger",
      "echo 1 > /proc/1/oom_score_adj",
      "test -s /proc/kcore || head -c 1 /proc/kcore | grep -q .",
      "dmesg",
      "mount -o remount,bind,rw /usr",
      "touch /usr/x",
      "touch /etc/x",
      "cat /etc/shadow",
      "ls /etc/ssl/private",
    ])
      expect((await sh(driver, handle, attempt)).exitCode, attempt).not.toBe(0);
    await destroyAndConfirm(driver, handle);
    expect(await readFile(join(project, "file"), "utf8")).toBe("saved\n");
  });

  test("a linked directory that is the system's, or is not there, is refused", async () => {
    const { driver } = harness;
    const link = (directory: string, mountRoot = directory) =>
      codeOf(driver.create(harness.spec({ workspace: { kind: "linked", directory, mountRoot } }), within()));
    for (const directory of ["/", "/etc", "/usr/share", "/proc/self", "/run/x", "relative", "/a/../etc"])
      expect(await link(directory), directory).toBe("validation");
    expect(await link(join(outside, "none"))).toBe("directory_not_found");
    expect(await link(outside, join(outside, "below"))).toBe("validation");
  });

  test("what grows beyond its disk limit is ended, and its files stay", async () => {
    const { driver } = harness;
    const resources = { cpus: null, memoryMb: null, diskMb: 8 };
    const handle = await boot(driver, harness.spec({ resources }));
    // It may be ended while it still writes.
    await sh(driver, handle, "dd if=/dev/zero of=/workspace/big bs=1M count=32 2>/dev/null").catch(
      () => null,
    );
    const { signal } = within();
    while ((await driver.inspect(handle, { signal })).status !== "stopped")
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect((await driver.stats(handle, within())).diskBytes).toBeGreaterThan(8 * 1024 ** 2);
    await destroyAndConfirm(driver, handle);
  });

  test("nothing outside was changed by all this", async () => {
    expect((await lstat(join(outside, "precious"))).isFile()).toBe(true);
  });
});
