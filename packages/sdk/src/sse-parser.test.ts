import { describe, expect, test } from "vitest";
import { createSseParser } from "./sse-parser.ts";

const STREAM =
  "\uFEFF: hi\nretry: 40\n\nid: 7\nevent: state\ndata: one\ndata: two\n\nid: 8\r\ndata:x\r\n\r\n";

describe("event stream parser", () => {
  test("gives the same messages however the text is cut", () => {
    for (let size = 1; size <= STREAM.length; size++) {
      const parser = createSseParser("");
      const messages = [];
      for (let at = 0; at < STREAM.length; at += size)
        messages.push(...parser.push(STREAM.slice(at, at + size)));
      expect(messages).toEqual([
        { event: "state", data: "one\ntwo", lastEventId: "7" },
        { event: "message", data: "x", lastEventId: "8" },
      ]);
      expect(parser.retryMs).toBe(40);
    }
  });

  test("keeps the id it was given until the stream names another", () => {
    expect(createSseParser("41").push("data: a\n\n")).toEqual([
      { event: "message", data: "a", lastEventId: "41" },
    ]);
  });

  test("does not dispatch what the stream cut off", () => {
    expect(createSseParser("").push("id: 1\ndata: half\n")).toEqual([]);
  });

  test("refuses a message without end", () => {
    const parser = createSseParser("");
    expect(() => parser.push(`data: ${"x".repeat(5_000_000)}`)).toThrow(RangeError);
  });
});
