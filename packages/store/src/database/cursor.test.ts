import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeIdCursor, decodeTimeCursor, encodeIdCursor, encodeTimeCursor, toPage } from "./cursor.ts";

test("a cursor comes back as it was made, and is safe in a URL", () => {
  const cursor = { at: new Date(1_900_000_000_123), id: randomUUID() };
  expect(decodeTimeCursor(encodeTimeCursor(cursor))).toEqual(cursor);
  expect(encodeTimeCursor(cursor)).toMatch(/^[\w-]+$/);
  expect(decodeIdCursor(encodeIdCursor("9007199254740993"))).toBe("9007199254740993");
});

test("whatever else comes in is a bad request, never another error", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc
          .json()
          .filter((json) => !/^\["\d+"\]$/.test(json))
          .map((json) => Buffer.from(json).toString("base64url")),
      ),
      (text) => {
        for (const decode of [decodeTimeCursor, decodeIdCursor])
          expect(() => decode(text)).toThrow(expect.objectContaining({ code: "bad_request" }));
      },
    ),
  );
});

test("a full last page has no next one", () => {
  expect(toPage([1, 2], 2, String)).toEqual({ items: [1, 2], nextCursor: null });
  expect(toPage([1, 2, 3], 2, String)).toEqual({ items: [1, 2], nextCursor: "2" });
  expect(toPage([], 2, String)).toEqual({ items: [], nextCursor: null });
});
