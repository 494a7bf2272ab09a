import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DriverHarness } from "./driver-harness.ts";
import { boot, destroyAndConfirm, sh } from "./driver-probe.ts";

export function describeDriverIsolation(current: () => DriverHarness): void {
  test("inside there are no capabilities, no new privileges, and the host's programs cannot be written", async () => {
    const { driver, spec: makeSpec } = current();
    const handle = await boot(driver, makeSpec());
    const { stdout } = await sh(driver, handle, "cat /proc/self/status");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      expect(stdout, set).toMatch(new RegExp(`^${set}:\\s0+$`, "m"));
    expect(stdout).toMatch(/^NoNewPrivs:\s1$/m);
    for (const attempt of [
      "mount -o remount,bind,rw /usr",
      "mount -t tmpfs tmpfs /mnt",
      "touch /usr/x",
      "touch /etc/x",
      "touch /x",
      "unshare -U true",
      "unshare -Ur true",
      "echo h > /proc/sysrq-trigger",
      "cat /proc/sys/kernel/core_pattern > /tmp/p && cat /tmp/p > /proc/sys/kernel/core_pattern",
      "chroot / true",
      "mknod /tmp/sda b 8 0",
    ])
      expect((await sh(driver, handle, attempt)).exitCode, attempt).not.toBe(0);
    expect((await sh(driver, handle, "mount -o remount,bind,rw /usr; touch /usr/x")).exitCode).not.toBe(0);
    await destroyAndConfirm(driver, handle);
  });

  test("a container sees no file and no process of the host", async () => {
    const { driver, spec: makeSpec } = current();
    const folder = await mkdtemp(join(tmpdir(), "velocity-secret-"));
    const handle = await boot(driver, makeSpec());
    try {
      const name = `secret-${randomUUID()}`;
      await writeFile(join(folder, name), "secret", { mode: 0o644 });
      const found = await sh(driver, handle, `cat ${folder}/${name}; find / -name ${name} 2>/dev/null`);
      expect(found.stdout).toBe("");
      const seen = await sh(driver, handle, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '");
      expect(seen.stdout).not.toContain("vitest");
      expect(
        (await sh(driver, handle, `kill -0 ${process.pid} && grep -q . /proc/${process.pid}/maps`)).exitCode,
      ).not.toBe(0);
    } finally {
      await rm(folder, { recursive: true });
      await destroyAndConfirm(driver, handle);
    }
  });

  test("a container finds neither workspace nor sockets nor processes of another one", async () => {
    const { driver, spec: makeSpec, workspace } = current();
    const victim = await boot(driver, makeSpec());
    const other = await boot(driver, makeSpec());
    const seconds = `4${Date.now()}`;
    const name = `mine-${randomUUID()}`;
    await sh(
      driver,
      victim,
      `echo secret > ${workspace(victim)}/${name}; setsid sleep ${seconds} >/dev/null 2>&1 &`,
    );
    expect((await sh(driver, victim, `ls ${workspace(victim)}`)).stdout).toContain(name);
    expect((await sh(driver, other, `find / -name ${name} 2>/dev/null`)).stdout).toBe("");
    expect((await sh(driver, other, "cat /proc/[0-9]*/cmdline")).stdout).not.toContain(seconds);
    const ids = await sh(driver, other, `find / -name '*${victim.containerId}*' 2>/dev/null`);
    expect(ids.stdout).toBe("");
    await destroyAndConfirm(driver, victim);
    await destroyAndConfirm(driver, other);
  });

  test("a container without network reaches no listener of the host, at any of its addresses", async () => {
    const { driver, spec: makeSpec, node } = current();
    let reached = 0;
    const server = createServer((socket) => {
      reached++;
      socket.destroy();
    });
    await new Promise<void>((done) => server.listen({ port: 0, host: "::", ipv6Only: false }, () => done()));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const handle = await boot(driver, makeSpec({ network: "none" }));
    try {
      const own = Object.values(networkInterfaces()).flatMap((list) =>
        (list ?? []).map(({ address }) => address),
      );
      const script =
        "const [host, port] = process.argv.slice(1); const s = require('node:net').connect({ host, port: Number(port), timeout: 1500 });" +
        "s.on('connect', () => { console.log('reached'); process.exit(0); }); s.on('error', () => process.exit(7)); s.on('timeout', () => process.exit(8));";
      for (const host of new Set([
        "127.0.0.1",
        "::1",
        ...own.filter((address) => !address.startsWith("fe80")),
      ])) {
        const result = await driver.exec(
          handle,
          { command: [node, "-e", script, host, String(port)] },
          { signal: AbortSignal.timeout(20_000) },
        );
        expect(result.stdout, host).toBe("");
        expect([7, 8], host).toContain(result.exitCode);
      }
      expect(reached).toBe(0);
    } finally {
      await new Promise<void>((done) => server.close(() => done()));
      await destroyAndConfirm(driver, handle);
    }
  });

  test("egress goes where the policy allows and nowhere else", async () => {
    const { driver, spec: makeSpec, node, egress } = current();
    if (egress === null) return console.info("skipped: this engine's egress is not a proxy socket");
    const script =
      "const [path, target] = process.argv.slice(1); const r = require('node:http').request({ socketPath: path, method: 'CONNECT', path: target });" +
      "r.on('connect', (res, s) => { console.log(res.statusCode); s.destroy(); process.exit(0); }); r.on('error', (e) => { console.log(e.code); process.exit(0); }); r.end();";
    const ask = async (network: "none" | "registry" | "full", targets: readonly string[]) => {
      const handle = await boot(driver, makeSpec({ network }));
      const answers: string[] = [];
      for (const target of targets) {
        const command = [node, "-e", script, egress.socket, target];
        const { stdout } = await driver.exec(handle, { command }, { signal: AbortSignal.timeout(20_000) });
        answers.push(stdout.trim());
      }
      await destroyAndConfirm(driver, handle);
      return answers;
    };
    expect(await ask("none", [egress.allowed])).toEqual(["ENOENT"]);
    expect(await ask("registry", [egress.allowed, egress.refused, "example.com:443"])).toEqual([
      "200",
      "403",
      "403",
    ]);
    const { port } = new URL(`http://${egress.refused}`);
    const hostile = [
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      `0x7f000001:${port}`,
      `0:${port}`,
      `[::1]:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      "169.254.169.254:80",
      "[fd00:ec2::254]:80",
      "10.0.0.1:80",
      "192.168.1.1:80",
      "100.64.0.1:80",
    ];
    expect(await ask("full", hostile)).toEqual(hostile.map(() => "403"));
  });
}
