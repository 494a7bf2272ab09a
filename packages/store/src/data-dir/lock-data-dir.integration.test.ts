import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type NodeChild, spawnNode } from "../testing/spawn-node.ts";
import { checkDataFormat, DATA_FORMAT } from "./check-format.ts";
import { lockDataDir } from "./lock-data-dir.ts";

let folder = "";
const children: NodeChild[] = [];
const hold = (args: readonly string[], nodeArgs: readonly string[] = []) => {
  const child = spawnNode("hold-lock.ts", args, nodeArgs);
  children.push(child);
  return child;
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "velocity-lock-"));
});
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.kill()));
  await rm(folder, { recursive: true, force: true });
});

test("a folder that another process holds is refused, naming that process, until it is killed", async () => {
  const holder = hold([folder]);
  expect(await holder.line()).toBe("locked");
  await expect(lockDataDir(folder)).rejects.toMatchObject({
    code: "data_dir_locked",
    publicMessage: expect.stringContaining(`process ${holder.process.pid}`),
  });
  await holder.kill();
  (await lockDataDir(folder)).release();
});

test("another spelling of the path is the same folder", async () => {
  const alias = join(folder, "alias");
  await mkdir(join(folder, "data"));
  await symlink(join(folder, "data"), alias);
  const lock = await lockDataDir(join(folder, "data"));
  await expect(lockDataDir(alias)).rejects.toMatchObject({ code: "data_dir_locked" });
  lock.release();
  lock.release();
  (await lockDataDir(alias)).release();
});

test("of many processes that start at once exactly one gets the folder", async () => {
  const answers = await Promise.all(Array.from({ length: 6 }, () => hold([folder]).line()));
  expect(answers.filter((answer) => answer === "locked")).toHaveLength(1);
  expect(answers.filter((answer) => answer === "data_dir_locked")).toHaveLength(5);
});

test("a child that outlives its server does not keep the folder locked", async () => {
  const holder = hold([folder, "60"]);
  const pid = Number((await holder.line())?.split(" ")[1]);
  try {
    await holder.kill();
    (await lockDataDir(folder)).release();
  } finally {
    process.kill(pid, "SIGKILL");
  }
});

test("the lock holds although nobody keeps the lock object", async () => {
  const holder = hold([folder], ["--expose-gc"]);
  expect(await holder.line()).toBe("locked");
  await expect(lockDataDir(folder)).rejects.toMatchObject({ code: "data_dir_locked" });
});

test("a folder that cannot be made or written says why, without its path", async () => {
  const file = join(folder, "file");
  await writeFile(file, "");
  for (const unusable of [file, join(file, "below"), "/proc/velocity"]) {
    const error = await lockDataDir(unusable).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: "data_dir_unusable" });
    expect(error).not.toMatchObject({ publicMessage: expect.stringContaining("/") });
  }
});

test("a missing folder is made", async () => {
  const lock = await lockDataDir(join(folder, "a", "b"));
  lock.release();
});

test("a folder of a newer format is refused, a foreign one too, one of ours is kept", async () => {
  await checkDataFormat(folder);
  await checkDataFormat(folder);
  await writeFile(join(folder, "format"), `${DATA_FORMAT + 1}\n`);
  await expect(checkDataFormat(folder)).rejects.toMatchObject({ code: "data_dir_newer" });
  await writeFile(join(folder, "format"), "something else");
  await expect(checkDataFormat(folder)).rejects.toMatchObject({ code: "data_dir_unusable" });
});
