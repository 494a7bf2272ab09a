import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toFileBytes } from "./file-content.ts";
import { findPathClash, planChange } from "./plan-change.ts";

const file = (path: string, content: string) => toFileBytes({ path, content, encoding: "utf8" });
const current = (path: string, content: string, version = 1) => ({
  ...file(path, content),
  version,
  deleted: false,
});

describe("planChange", () => {
  const project = { version: 5, current: [current("a", "1", 3), { ...current("gone", ""), deleted: true }] };

  test("only what differs is written, only what is there is deleted", () => {
    const change = { files: [file("a", "1"), file("b", "2")], deletes: ["gone", "never"] };
    expect(planChange(change, project)).toMatchObject({ writes: [{ path: "b" }], deletes: [] });
    expect(planChange({ files: [file("gone", "")], deletes: ["a"] }, project)).toMatchObject({
      writes: [{ path: "gone" }],
      deletes: ["a"],
    });
  });

  test("a path both deleted and written is written, and of two writes the later counts", () => {
    const change = { files: [file("a", "x"), file("a", "y")], deletes: ["a"] };
    const plan = planChange(change, project);
    expect(plan).toMatchObject({ writes: [{ sha256: file("a", "y").sha256 }], deletes: [] });
  });

  test("a base before the last change of a named path, or after the last version, is a conflict", () => {
    const at = (baseVersion: number) =>
      planChange({ files: [file("a", "2")], deletes: [], baseVersion }, project).kind;
    expect([2, 3, 5, 6].map(at)).toEqual(["conflict", "change", "change", "conflict"]);
    expect(planChange({ files: [file("b", "2")], deletes: [], baseVersion: 0 }, project).kind).toBe("change");
  });
});

test("a clash is found exactly where one path is the folder of another", () => {
  const path = fc
    .array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join("/"));
  fc.assert(
    fc.property(fc.uniqueArray(path, { maxLength: 8 }), (paths) => {
      const expected = paths.some((one) => paths.some((other) => other.startsWith(`${one}/`)));
      const clash = findPathClash(paths);
      expect(clash !== null).toBe(expected);
      if (clash !== null) expect(clash.inside.startsWith(`${clash.file}/`)).toBe(true);
    }),
  );
});
