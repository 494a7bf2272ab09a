import { expect, test } from "vitest";
import { batchBytes, filesFromBatch } from "./git-blobs.ts";
import { GIT_LIMITS } from "./git-limits.ts";
import { chooseFiles } from "./git-tree.ts";

const ID = "0123456789abcdef0123456789abcdef01234567";
const entry = (name: string, head = `100644 blob ${ID}       3`) =>
  Buffer.from(`${head}\t${name}\0`, "latin1");
const choose = (...entries: Buffer[]) => chooseFiles(Buffer.concat(entries), GIT_LIMITS);
const none = { links: 0, submodules: 0, unsafePaths: 0 };

test("names of any letters, tabs excepted, are kept as they are; executables are files", () => {
  const name = Buffer.from("ä ü/日本.txt").toString("latin1");
  expect(choose(entry(name), entry("run.sh", `100755 blob ${ID} 3`))).toEqual({
    kind: "files",
    files: [
      { path: "ä ü/日本.txt", object: ID, size: 3 },
      { path: "run.sh", object: ID, size: 3 },
    ],
    skipped: none,
  });
});

test("hostile names are left out: ways out, what is not UTF-8, and a second file of one name", () => {
  const names = [
    "../x",
    "/etc/passwd",
    "a/../../b",
    ".git/config",
    "C:/x",
    "a\\b",
    "caf\xe9",
    "x\ty",
    "ok",
    "ok",
    "",
  ];
  expect(choose(...names.map((name) => entry(name)))).toMatchObject({
    files: [{ path: "ok" }],
    skipped: { ...none, unsafePaths: names.length - 1 },
  });
});

test("links and submodules are counted, lines that are nothing of the kind are not files", () => {
  const lines = [
    entry("l", `120000 blob ${ID} 3`),
    entry("s", `160000 commit ${ID} -`),
    Buffer.from("nonsense\0"),
  ];
  expect(choose(...lines, Buffer.from("100644 blob"))).toEqual({
    kind: "files",
    files: [],
    skipped: { ...none, links: 1, submodules: 1 },
  });
});

test("contents are taken by their length, whatever bytes they have; anything else is damage", () => {
  const asked = ["a", "b"].map((path) => ({ path, object: ID, size: 3 }));
  const output = Buffer.from(`${ID} blob 3\n\n1\n\n${ID} blob 3\n\xff\0x\n`, "latin1");
  expect(output.length).toBe(batchBytes(asked));
  expect(filesFromBatch(output, asked)).toEqual([
    { path: "a", content: "\n1\n", encoding: "utf8" },
    { path: "b", content: Buffer.from("\xff\0x", "latin1").toString("base64"), encoding: "base64" },
  ]);
  for (const wrong of [
    output.subarray(0, -1),
    Buffer.concat([output, output]),
    Buffer.from(`${ID} missing\n`),
  ])
    expect(filesFromBatch(wrong, asked)).toBeNull();
});
