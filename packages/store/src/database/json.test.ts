import fc from "fast-check";
import { expect, test } from "vitest";
import { toJson, toText } from "./json.ts";

test("what a database can hold is left alone", () => {
  expect(toJson({ a: ["ü", "🎉", null, 1] })).toBe('{"a":["ü","🎉",null,1]}');
  expect(toText("plain 🎉")).toBe("plain 🎉");
});

test("an escaped backslash before u0000 is no NUL", () => {
  expect(JSON.parse(toJson("\\u0000"))).toBe("\\u0000");
});

test("no value leaves a NUL or half a surrogate pair behind, in keys neither", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), (value, text) => {
      const json = toJson({ value, [text]: [text] });
      const found: string[] = [];
      JSON.parse(json, (key, item) => {
        found.push(key, typeof item === "string" ? item : "");
        return item;
      });
      expect(found.every((item) => item.isWellFormed() && !item.includes("\0"))).toBe(true);
    }),
  );
  expect(JSON.parse(toJson({ "\0": "\ud800" }))).toEqual({ "\ufffd": "\ufffd" });
});
