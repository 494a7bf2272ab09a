import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { detectPackageManager } from "../detect/package-manager.ts";
import { installInPlace } from "./install-in-place.ts";

const run = promisify(execFile);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "in-place-"));
  await symlink("/bin/grep", join(folder, "grep"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** What the command would run, on a machine whose only programs are those named. */
async function calls(
  lockfile: string | null,
  options: {
    programs?: readonly string[];
    field?: string;
    registry?: string;
    files?: Readonly<Record<string, string>>;
  } = {},
): Promise<string> {
  const files = { ...(lockfile === null ? {} : { [lockfile]: "" }), ...options.files };
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  for (const name of options.programs ?? ["npm"]) {
    await writeFile(join(folder, name), `#!/bin/sh\necho ${name} "$@"\n`, { mode: 0o755 });
  }
  const manager = detectPackageManager(new Set(lockfile === null ? [] : [lockfile]), options.field);
  const { command, env } = installInPlace(manager, options.registry ?? null);
  const [file = "", ...args] = command;
  const { stdout } = await run(file, args, { cwd: folder, env: { ...env, PATH: folder, HOME: folder } });
  return stdout.trim();
}

test("without a lockfile npm installs, as it does for everybody", async () => {
  expect(await calls(null)).toBe("npm install");
});

test("npm's lockfile is read and left as it is", async () => {
  expect(await calls("package-lock.json")).toBe("npm install --no-save");
});

test("the manager that the machine has is used", async () => {
  expect(await calls("pnpm-lock.yaml", { programs: ["npm", "pnpm"] })).toBe("pnpm install");
  expect(await calls("yarn.lock", { programs: ["npm", "yarn"], field: "yarn@4.1.0" })).toBe("yarn install");
});

test("a manager that the machine does not have comes from npm's registry", async () => {
  expect(await calls("pnpm-lock.yaml", { field: "pnpm@9.1.0" })).toBe(
    "npm exec --yes --package=pnpm@9.1.0 -- pnpm install",
  );
});

test.each([
  ["", undefined, "yarn@1"],
  ["", "yarn@1.22.19", "yarn@1.22.19"],
  ["__metadata:\n  version: 8\n", undefined, "@yarnpkg/cli-dist@4"],
  ["__metadata:\n  version: 8\n", "yarn@4.5.3", "@yarnpkg/cli-dist@4.5.3"],
])("Yarn of the lockfile's own time: %j with %s is %s", async (lock, field, wanted) => {
  const given = field === undefined ? {} : { field };
  expect(await calls("yarn.lock", { ...given, files: { "yarn.lock": lock } })).toBe(
    `npm exec --yes --package=${wanted} -- yarn install`,
  );
});

test("the operator's registry is the user's setting, below the project's own", async () => {
  await calls(null, { registry: "https://npm.test/" });
  expect(await readFile(join(folder, ".npmrc"), "utf8")).toBe("registry=https://npm.test/\n");
  expect(await readFile(join(folder, ".yarnrc.yml"), "utf8")).toBe(
    'npmRegistryServer: "https://npm.test/"\n',
  );
});
