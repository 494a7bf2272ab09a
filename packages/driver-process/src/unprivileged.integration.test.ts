import { execFile } from "node:child_process";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isReachable } from "@velocity/sandbox";
import { expect, test } from "vitest";

const run = promisify(execFile);
const NOBODY = 65_534;
const fixture = fileURLToPath(new URL("./unprivileged.fixture.ts", import.meta.url));

test("an ordinary user gets the same sandbox: no capabilities, mounted layers, suspend, nothing left", async () => {
  const root = process.getuid?.() === 0;
  if (root && !isReachable(fixture, { uid: NOBODY, gid: NOBODY }))
    return console.info("skipped: this folder cannot be read by an ordinary user");
  const folder = await mkdtemp(join(tmpdir(), "velocity-user-"));
  await chmod(folder, 0o777);
  try {
    const become = ["--reuid", String(NOBODY), "--regid", String(NOBODY), "--clear-groups"];
    const [file, args] = root
      ? ["setpriv", [...become, process.execPath, fixture]]
      : [process.execPath, [fixture]];
    const { stdout } = await run(file, args, { env: { ...process.env, TMPDIR: folder, HOME: folder } });
    const seen: unknown = JSON.parse(stdout);
    if (typeof seen === "object" && seen !== null && "skipped" in seen)
      return console.info(`skipped: ${JSON.stringify(seen.skipped)}`);
    expect(seen).toEqual({
      layer: "original\nmine\n",
      capabilities: "5\n",
      escapes: "none\n",
      alive: "alive\n",
      left: [],
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
