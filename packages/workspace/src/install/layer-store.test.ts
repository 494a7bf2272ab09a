import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LayerStore } from "./layer-store.ts";

let base: string;
let inUse: Set<string>;
let now: Date;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "vw-layers-"));
  inUse = new Set();
  now = new Date();
});
afterEach(() => rm(base, { recursive: true, force: true }));

const open = (maxBytes = 1000) =>
  new LayerStore({ directory: join(base, "deps"), maxBytes, inUse: async () => inUse, now: () => now });

async function publish(store: LayerStore, key: string, text = key) {
  const folder = join(base, `build-${Math.random()}`);
  await mkdir(join(folder, "node_modules"), { recursive: true });
  await writeFile(join(folder, "node_modules/x"), text);
  return store.publish(key, folder, { targets: ["node_modules"], sizeBytes: 400, needsBuild: [] });
}

const keys = async () => (await readdir(join(base, "deps"))).filter((name) => !name.startsWith(".")).sort();

test("the second of two builders keeps the first one's layer", async () => {
  const store = open();
  await publish(store, "a", "first");
  await publish(store, "a", "second");
  expect(await readFile(join(store.path("a"), "node_modules/x"), "utf8")).toBe("first");
  await store.close();
  expect(await readdir(base)).toEqual(["deps"]);
});

test("a folder without a manifest is replaced", async () => {
  const store = open();
  await mkdir(join(store.path("a"), "node_modules"), { recursive: true });
  expect(await store.lookup("a")).toBeNull();
  await publish(store, "a");
  expect(await store.lookup("a")).toMatchObject({ key: "a" });
  await store.close();
});

test("what the disk may not have seen before a restart of the machine does not count", async () => {
  const store = open();
  await publish(store, "a");
  await store.close();
  const path = join(store.path("a"), "manifest.json");
  const manifest: unknown = JSON.parse(await readFile(path, "utf8"));
  await writeFile(path, JSON.stringify({ ...Object(manifest), bootId: "another boot" }));
  expect(await store.lookup("a")).not.toBeNull();
  await rm(join(store.path("a"), "durable"));
  expect(await store.lookup("a")).toBeNull();
});

test("the least recently used layers go first; those in use and fresh ones stay", async () => {
  const store = open();
  const hour = 3_600_000;
  for (const [index, key] of ["a", "b", "c", "d", "e"].entries()) {
    await publish(store, key);
    const used = new Date(now.getTime() - (10 - index) * hour);
    await utimes(join(store.path(key), "manifest.json"), used, used);
  }
  inUse.add("a");
  await store.lookup("b");
  expect(await store.evict()).toEqual(["c", "d", "e"]);
  expect(await keys()).toEqual(["a", "b"]);
  await store.close();
});

test("nothing goes while there is room", async () => {
  const store = open(10_000);
  await publish(store, "a");
  expect(await store.evict()).toEqual([]);
  await store.close();
});
