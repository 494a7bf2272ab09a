import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type FileContent, VelocityError } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./archive-limits.ts";
import { readArchive } from "./read-archive.ts";
import { pax, type RawEntry, rawArchive, rawTar } from "./testing/raw-tar.ts";

const good: RawEntry = { name: "index.html", content: "<h1>Hi</h1>" };
const TEMPLATE = join(import.meta.dirname, "../../../../templates/vanilla");

async function* inChunks(bytes: Uint8Array, size = 65_536): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const read = (archive: Uint8Array, limits: ArchiveLimits = ARCHIVE_LIMITS) =>
  readArchive(inChunks(archive), limits);
const paths = async (...entries: RawEntry[]) => (await read(rawArchive(...entries))).map((file) => file.path);

async function refusal(work: Promise<unknown>): Promise<VelocityError> {
  const error: unknown = await work.then(
    () => new Error("it was taken"),
    (thrown: unknown) => thrown,
  );
  if (error instanceof VelocityError) return error;
  throw error;
}

describe("a good archive", () => {
  test.each([
    ["its folder", ["-C", join(TEMPLATE, ".."), "vanilla"]],
    ["its content", ["-C", TEMPLATE, "."]],
    ["its folder in pax form", ["--format=pax", "-C", join(TEMPLATE, ".."), "vanilla"]],
  ])("of a real project, packed by tar as %s, gives exactly its files", async (_how, from) => {
    const packed = await promisify(execFile)(
      "tar",
      ["cz", "--exclude=node_modules", "--exclude=dist", ...from],
      { encoding: "buffer", maxBuffer: 16 * 1024 * 1024 },
    );
    const files = await read(packed.stdout);
    const onDisk = (await readdir(TEMPLATE, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(TEMPLATE.length + 1))
      .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path));
    expect(onDisk).toContain("package.json");
    expect(files.map((file) => file.path).sort()).toEqual(onDisk.sort());
    for (const file of files) {
      expect(Buffer.from(file.content, file.encoding).equals(await readFile(join(TEMPLATE, file.path)))).toBe(
        true,
      );
    }
  });

  test("keeps every byte: text as text, the rest as base64, empty as empty", async () => {
    const binary = Buffer.from([0, 255, 1, 254, 13, 10]);
    const files = await read(
      rawArchive(
        { name: "a.txt", content: "\u{feff}Grüße\r\n" },
        { name: "b.png", content: binary },
        { name: "nul.txt", content: "a\0b" },
        { name: "empty" },
      ),
    );
    const expected: FileContent[] = [
      { path: "a.txt", content: "\u{feff}Grüße\r\n", encoding: "utf8" },
      { path: "b.png", content: binary.toString("base64"), encoding: "base64" },
      { path: "nul.txt", content: Buffer.from("a\0b").toString("base64"), encoding: "base64" },
      { path: "empty", content: "", encoding: "utf8" },
    ];
    expect(files).toEqual(expected);
  });

  test("reads the same however the bytes are cut", async () => {
    const archive = rawArchive(good, { name: "src/a.js", content: "x".repeat(1500) });
    const whole = await read(archive);
    for (const size of [1, 7, 511, 513]) expect(await readArchive(inChunks(archive, size))).toEqual(whole);
  });

  test("loses the one folder it is packed in, and no other", async () => {
    expect(await paths({ name: "app-1.0/", type: "5" }, { name: "app-1.0/src/a.js" })).toEqual(["src/a.js"]);
    expect(await paths({ name: "./app/a.js" }, { name: "./app/b/c.js" })).toEqual(["a.js", "b/c.js"]);
    expect(await paths({ name: "src/a.js" }, { name: "index.html" })).toEqual(["src/a.js", "index.html"]);
    expect(await paths({ name: "./", type: "5" }, { name: "./src/a.js" })).toEqual(["src/a.js"]);
    expect(await paths({ name: "src/a.js" }, { name: "node_modules/x/y.js" })).toEqual(["src/a.js"]);
    expect(await paths(pax({ comment: "0123" }, "g"), { name: "p/", type: "5" }, { name: "p/a" })).toEqual([
      "a",
    ]);
  });

  test("is read without node_modules and .git, whatever is in them", async () => {
    const link: RawEntry = { name: "node_modules/.bin/vite", type: "2", link: "../vite/bin.js" };
    const nested: RawEntry = { name: "packages/a/node_modules/x.js", content: "x" };
    const git: RawEntry = { name: ".git/config", content: "x" };
    expect(await paths(good, link, nested, git)).toEqual(["index.html"]);
    expect(await paths({ name: "p/a.js" }, { name: "p/.git/HEAD" }, { name: "p/node_modules/x" })).toEqual([
      "a.js",
    ]);
  });

  test("may have long names beyond ASCII, wherever the bytes are cut", async () => {
    const long = `${"größe/".repeat(30)}${"ü".repeat(200)}`;
    const entries = [
      good,
      pax({ path: `a${long}` }),
      { name: "x" },
      pax({ path: `b/${long}` }),
      { name: "y" },
    ];
    const archive = gzipSync(rawTar(entries), { level: 0 });
    for (const size of [97, 100, 256, 511, 1000]) {
      const files = await readArchive(inChunks(archive, size));
      expect(files.map((file) => file.path)).toEqual(["index.html", `a${long}`, `b/${long}`]);
    }
  });

  test("may have names longer than a header holds", async () => {
    const long = `${"folder/".repeat(20)}ä.txt`;
    expect(await paths(good, pax({ path: long }), { name: "short", content: "x" })).toContain(long);
    const gnu: RawEntry = { name: "././@LongLink", type: "L", content: `${long}\0` };
    expect(await paths(good, gnu, { name: "short", content: "x" })).toContain(long);
  });
});

describe("a hostile archive is refused as unsafe, and the entry is named", () => {
  const cases: readonly (readonly [string, readonly RawEntry[], string])[] = [
    ["an absolute path", [{ name: "/etc/passwd" }], "/etc/passwd"],
    ["a Windows drive", [{ name: "C:/x" }], "C:/x"],
    ["a path that leads out", [{ name: "a/../../x" }], "a/../../x"],
    [
      "a path that leads out, behind node_modules",
      [{ name: "node_modules/../../x" }],
      "node_modules/../../x",
    ],
    ["a path that leads out in a pax header", [pax({ path: "../x" }), { name: "ok" }], "../x"],
    ["a backslash", [{ name: "..\\x" }], "..\\x"],
    ["a NUL in a pax header", [pax({ path: "a\0b" }), { name: "ok" }], "a NUL in the name"],
    [
      "a NUL in a long GNU name",
      [{ name: "././@LongLink", type: "L", content: "a\0b\0" }, { name: "ok" }],
      "a NUL",
    ],
    ["a control character", [{ name: "a\nb" }], "a\\u000ab"],
    ["a deceiving name", [{ name: "a\u202etxt.exe" }], "a\\u202etxt.exe"],
    ["an empty segment", [{ name: "a//b" }], "a//b"],
    ["a dot segment", [{ name: "a/./b" }], "a/./b"],
    ["a symbolic link", [{ name: "link", type: "2", link: "/etc/passwd" }], "link"],
    ["a symbolic link inside", [{ name: "link", type: "2", link: "index.html" }], "link"],
    ["a hard link", [{ name: "hard", type: "1", link: "/etc/shadow" }], "hard"],
    ["a character device", [{ name: "dev", type: "3" }], "dev"],
    ["a block device", [{ name: "disk", type: "4" }], "disk"],
    ["a pipe", [{ name: "pipe", type: "6" }], "pipe"],
    ["an unknown kind", [{ name: "odd", type: "Z" }], "odd"],
    ["a sparse file", [{ name: "sparse", type: "S" }], "sparse"],
    ["a description too long", [pax({ path: `a/${"b".repeat(70_000)}` }), { name: "x" }], "description"],
    ["a path twice", [{ name: "twice" }, { name: "./twice" }], "twice"],
    ["two paths that differ by case", [{ name: "Read.me" }, { name: "read.ME" }], "read.ME"],
    ["two folders that differ by case", [{ name: "Src/a" }, { name: "src/b" }], "src"],
    ["two paths that differ by Unicode form", [{ name: "\u00e9" }, { name: "e\u0301" }], "e\u0301"],
    ["two paths that differ by a folding letter", [{ name: "straße" }, { name: "STRASSE" }], "STRASSE"],
    ["a folder over a file", [{ name: "a" }, { name: "a/b" }], "a"],
    ["a file over a folder", [{ name: "a/b" }, { name: "a" }], "a"],
    ["a file over an empty folder", [{ name: "a/", type: "5" }, { name: "a" }], "a"],
    [
      "too many folders in each other",
      [{ name: `${"a/".repeat(45)}b` }, pax({ path: "b/".repeat(70) }), { name: "x" }],
      "b/b/",
    ],
  ];
  test.each(cases)("%s", async (_what, entries, named) => {
    const error = await refusal(read(rawArchive(good, ...entries)));
    expect(error.code).toBe("unsafe_archive");
    expect(error.publicMessage).toContain(named);
  });

  test("a name that is not UTF-8", async () => {
    const tar = rawTar([good, { name: "caf\u00e9" }]);
    const latin = rawTar([{ name: "cafQ" }], false);
    latin[3] = 0xe9;
    const sum = latin
      .subarray(0, 512)
      .reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
    latin.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    const error = await refusal(read(gzipSync(Buffer.concat([latin, tar]))));
    expect(error).toMatchObject({ code: "unsafe_archive" });
    expect(error.publicMessage).toContain("not UTF-8");
  });
});

describe("an archive that is too large is refused, and reading stops there", () => {
  const small: ArchiveLimits = {
    entries: 3,
    fileBytes: 1000,
    totalBytes: 1500,
    streamBytes: 20_000,
    streamEntries: 8,
  };
  const file = (name: string, bytes: number): RawEntry => ({ name, content: "x".repeat(bytes) });
  const many = (count: number, folder = "") =>
    Array.from({ length: count }, (_, at) => ({ name: `${folder}${at}` }));

  test.each([
    ["too many entries", many(4), "more than 3"],
    ["too many entries that are skipped", [good, ...many(8, "node_modules/")], "too many entries"],
    ["one file too large", [file("big.bin", 1001)], '"big.bin" is larger'],
    ["all files together too large", [file("a", 900), file("b", 900)], "of files"],
    ["skipped bytes beyond all bounds", [good, file("node_modules/x", 30_000)], "far too much"],
    [
      "a size in the header that nobody would send",
      [{ name: "liar", size: 8 ** 11 - 1 }],
      '"liar" is larger',
    ],
  ] as const)("%s", async (_what, entries, said) => {
    const error = await refusal(read(rawArchive(...entries), small));
    expect(error.code).toBe("unsafe_archive");
    expect(error.publicMessage).toContain(said);
  });

  test("at the limits it is taken", async () => {
    const files = await read(rawArchive(file("a", 1000), file("b", 500), file("c", 0)), small);
    expect(files.map((one) => one.content.length)).toEqual([1000, 500, 0]);
  });

  test("a bomb of zeros ends the reading before the sender has sent much of it", async () => {
    // 600 MB of zeros, as gzip members of 1 MB that the sender makes one by one.
    const member = gzipSync(Buffer.alloc(1024 * 1024));
    const head = gzipSync(rawTar([{ name: "node_modules/zeros", size: 8 ** 10 }], false));
    let sent = 0;
    let closed = false;
    async function* bomb(): AsyncGenerator<Uint8Array> {
      try {
        yield head;
        for (; sent < 600; sent++) yield member;
      } finally {
        closed = true;
      }
    }
    const limits = { ...ARCHIVE_LIMITS, streamBytes: 4 * 1024 * 1024 };
    expect((await refusal(readArchive(bomb(), limits))).code).toBe("unsafe_archive");
    await expect.poll(() => closed).toBe(true);
    expect(sent).toBeLessThan(100);
  });

  test("the limits of the product refuse a file of 33 MB, and 51 MB in all", async () => {
    const mb = Buffer.alloc(1024 * 1024, "x");
    const of = (name: string, count: number): RawEntry => ({
      name,
      content: Buffer.concat(Array(count).fill(mb)),
    });
    expect((await refusal(read(rawArchive(of("big", 33))))).publicMessage).toContain("32 MB");
    expect((await refusal(read(rawArchive(of("a", 26), of("b", 25))))).publicMessage).toContain("50 MB");
  });
});

describe("what is no whole tar.gz is a validation error in plain words", () => {
  const whole = rawArchive(good, {
    name: "b",
    content: Buffer.from(Array.from({ length: 4000 }, (_, i) => i * 7)),
  });
  const tar = rawTar([good, { name: "b", content: "x".repeat(2000) }]);
  test.each([
    ["nothing", Buffer.alloc(0)],
    ["text", Buffer.from("hello, this is no archive")],
    ["a tar that is not compressed", tar],
    ["gzip of nothing", gzipSync("")],
    ["gzip of text", gzipSync("hello ".repeat(500))],
    ["gzip of a gzip", gzipSync(whole)],
    ["gzip of a zstd", gzipSync(zstdCompressSync(Buffer.concat([tar, tar])))],
    ["a gzip that is cut", whole.subarray(0, whole.length - 30)],
    ["a gzip with a wrong checksum", Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8, 1)])],
    ["a tar that is cut in a file", gzipSync(tar.subarray(0, 2000))],
    ["a tar that is cut in a header", gzipSync(tar.subarray(0, 1200))],
    ["a tar without its end", gzipSync(tar.subarray(0, tar.length - 1024))],
    [
      "a header with a wrong checksum",
      gzipSync(Buffer.concat([tar.subarray(0, 1024), Buffer.alloc(512, 7), tar.subarray(1024)])),
    ],
    ["an archive of nothing", rawArchive()],
    ["an archive of folders", rawArchive({ name: "a/", type: "5" })],
    ["an archive of node_modules only", rawArchive({ name: "node_modules/a.js" })],
  ])("%s", async (_what, bytes) => {
    const error = await refusal(read(bytes));
    expect(error.code).toBe("validation");
    expect(error.publicMessage).toMatch(/^The archive .*\.$/);
    expect(error.publicMessage).not.toMatch(/TAR_|Z_|checksum|zlib|header/);
  });

  test("every single wrong byte ends in files or in an error of ours, never in anything else", async () => {
    const bytes = rawTar([
      good,
      pax({ path: "src/ä" }),
      { name: "x", content: "y".repeat(600) },
      { name: "d/", type: "5" },
    ]);
    for (let at = 0; at < bytes.length; at += 3) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ (1 + (at % 255));
      const outcome = await read(gzipSync(damaged, { level: 1 })).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(VelocityError);
    }
  });

  test("a sender that breaks off is told apart: its own error comes out", async () => {
    const gone = new Error("connection lost");
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield whole.subarray(0, 20);
      throw gone;
    }
    await expect(readArchive(broken())).rejects.toBe(gone);
  });
});
