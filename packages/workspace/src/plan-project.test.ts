import { VelocityError } from "@velocity/contract";
import { expect, test } from "vitest";
import { type PlanSettings, planProject } from "./plan-project.ts";
import { createMemoryTree } from "./tree/memory-tree.ts";

const settings: PlanSettings = {
  staticServerEntry: "/opt/static-server.mjs",
  previewDomain: "velocity.localhost",
  platform: { nodeVersion: "24.0.0", os: "linux", arch: "x64", libc: "glibc" },
};

const manifest = (more: object = {}) =>
  JSON.stringify({ scripts: { dev: "vite" }, devDependencies: { vite: "^8.0.0" }, ...more });

function plan(files: Record<string, string>, more: Partial<PlanSettings> = {}) {
  const list = Object.entries(files).map(([path, content]) => ({ path, content, encoding: "utf8" as const }));
  return planProject(createMemoryTree(list), null, { ...settings, ...more });
}

async function errorOf(promise: Promise<unknown>): Promise<VelocityError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof VelocityError) return error;
  throw new Error(`expected a VelocityError, got ${String(error)}`);
}

test("the dependency key changes with what is installed, and with nothing else", async () => {
  const base = { "package.json": manifest(), "pnpm-lock.yaml": "lockfileVersion: '9.0'\n" };
  const key = async (files: Record<string, string>, more: Partial<PlanSettings> = {}) =>
    (await plan({ ...base, ...files }, more)).dependencies?.key;
  const before = await key({});
  expect(before).toMatch(/^[0-9a-f]{40}$/);
  expect(await key({ "src/main.js": "1", "README.md": "x" })).toBe(before);
  expect(await key({ "package.json": manifest({ scripts: { dev: "vite --mode x", test: "y" } }) })).toBe(
    before,
  );
  expect(await key({ "package.json": manifest({ description: "x", author: "y" }) })).toBe(before);
  expect(await key({ ".npmrc": "registry=https://evil.example/\n//evil.example/:_authToken=x\n" })).toBe(
    before,
  );
  expect(await key({ ".pnpmfile.cjs": "module.exports = {}" })).toBe(before);

  const others = await Promise.all([
    key({ "package.json": manifest({ devDependencies: { vite: "^7.0.0" } }) }),
    key({ "package.json": manifest({ peerDependencies: { react: "19" } }) }),
    key({ "package.json": manifest({ pnpm: { overrides: { a: "1" } } }) }),
    key({ "pnpm-lock.yaml": "lockfileVersion: '9.0'\n# other\n" }),
    key({ ".npmrc": "node-linker=hoisted\n" }),
    key({ "pnpm-workspace.yaml": "overrides:\n  a: 1\n" }),
    key({ "patches/a.patch": "x" }),
    key({}, { platform: { ...settings.platform, nodeVersion: "26.0.0" } }),
    key({}, { platform: { ...settings.platform, arch: "arm64" } }),
    key({}, { platform: { ...settings.platform, libc: "musl" } }),
  ]);
  expect(new Set([before, ...others]).size).toBe(others.length + 1);
});

test("plans that differ only in the app's own files have the same hash", async () => {
  const one = await plan({ "package.json": manifest(), "src/main.js": "1" });
  const two = await plan({ "package.json": manifest(), "src/main.js": "2", "index.html": "<p>" });
  const other = await plan({ "package.json": manifest(), "velocity.json": `{"env":{"A":"b"}}` });
  expect(two.hash).toBe(one.hash);
  expect(other.hash).not.toBe(one.hash);
});

test.each([
  ["pnpm-lock.yaml", "pnpm"],
  ["package-lock.json", "npm"],
  ["npm-shrinkwrap.json", "npm"],
  ["yarn.lock", "yarn"],
  ["bun.lock", "bun"],
  ["nothing", "pnpm"],
])("%s is installed by %s", async (lockfile, manager) => {
  expect((await plan({ "package.json": manifest(), [lockfile]: "{}" })).packageManager).toBe(manager);
});

test("with several lockfiles the packageManager field decides", async () => {
  const files = { "pnpm-lock.yaml": "", "package-lock.json": "{}" };
  const declared = (name: string) => plan({ ...files, "package.json": manifest({ packageManager: name }) });
  expect((await declared("npm@11.0.0")).packageManager).toBe("npm");
  expect((await declared("pnpm@10.0.0+sha512.abc")).packageManager).toBe("pnpm");
});

test("nothing to install: no dependencies, and the network is still closed", async () => {
  const plain = await plan({ "index.html": "<h1>hi</h1>" });
  expect(plain).toMatchObject({
    framework: "static",
    dependencies: null,
    packageManager: null,
    network: "registry",
  });
  expect(plain.run.install).toBeNull();
});

test("velocity.json: an install command of its own runs in the container instead of the shared cache", async () => {
  const own = await plan({
    "package.json": manifest(),
    "velocity.json": `{"install":"make deps","network":"none"}`,
  });
  expect(own.dependencies).toBeNull();
  expect(own.run.install?.command).toEqual(["/bin/sh", "-c", "make deps"]);
  expect(own.network).toBe("none");
});

test("velocity.json: unknown and wrong keys are named, with the file", async () => {
  const error = await errorOf(
    plan({ "velocity.json": `{"comand":"x","port":0,"ready":{"path":"nope","retries":1}}` }),
  );
  expect(error.code).toBe("validation");
  expect(error.errors.map(({ path, code }) => [path, code])).toEqual(
    expect.arrayContaining([
      ["velocity.json: comand", "unknown_key"],
      ["velocity.json: port", "too_small"],
      ["velocity.json: ready.path", "invalid_format"],
      ["velocity.json: ready.retries", "unknown_key"],
    ]),
  );
  expect(error.publicMessage).toContain("comand");
});

test.each(["velocity.json", "package.json"])(
  "broken JSON in %s is reported with line and column",
  async (path) => {
    const error = await errorOf(plan({ [path]: '{\n  "a": 1,\n  oops\n}' }));
    expect(error.code).toBe("validation");
    expect(error.publicMessage).toBe(`${path} is not valid JSON: line 3, column 3.`);
    expect(error.errors[0]).toMatchObject({ path, code: "invalid_json" });
    const short = await errorOf(plan({ [path]: '{\n  "a": 1' }));
    expect(short.publicMessage).toBe(`${path} is not valid JSON: line 2, column 9.`);
  },
);

test("a package.json of the wrong shape is reported by field", async () => {
  const error = await errorOf(plan({ "package.json": `{"dependencies":{"vite":8}}` }));
  expect(error.errors[0]?.path).toBe("package.json: dependencies.vite");
});

test("a byte order mark is no error", async () => {
  expect((await plan({ "package.json": `\ufeff${manifest()}` })).framework).toBe("vite");
});
