import fc from "fast-check";
import { expect, test } from "vitest";
import { FramingError, parseResponseHead } from "./response-head.ts";

test.each([
  ["HTTP/1.1 200 OK\r\nContent-Length: 5", "GET", { kind: "length", length: 5 }, true],
  ["HTTP/1.1 200 OK\r\nContent-Length: 0", "GET", { kind: "none" }, true],
  ["HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked", "GET", { kind: "chunked" }, true],
  ["HTTP/1.1 200 OK", "GET", { kind: "close" }, false],
  ["HTTP/1.1 200", "GET", { kind: "close" }, false],
  ["HTTP/1.0 200 OK\r\nContent-Length: 5", "GET", { kind: "length", length: 5 }, false],
  [
    "HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive",
    "GET",
    { kind: "length", length: 5 },
    true,
  ],
  [
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, Close",
    "GET",
    { kind: "length", length: 5 },
    false,
  ],
  ["HTTP/1.1 200 OK\r\nContent-Length: 5", "HEAD", { kind: "none" }, true],
  ["HTTP/1.1 204 No Content", "GET", { kind: "none" }, true],
  ["HTTP/1.1 304 Not Modified\r\nContent-Length: 5", "GET", { kind: "none" }, true],
])("%j to %s", (text, method, framing, keepAlive) => {
  const head = parseResponseHead(text, method);
  expect([head.framing, head.keepAlive]).toEqual([framing, keepAlive]);
});

test("names, values and bytes beyond ASCII are kept as they are", () => {
  const head = parseResponseHead("HTTP/1.1 200 \xe9\r\nX-A:  b \xff c\t\r\nx-a:", "GET");
  expect(head.reason).toBe("\xe9");
  expect(head.rawHeaders).toEqual(["X-A", "b \xff c", "x-a", ""]);
});

test("a keep-alive hint is read", () => {
  expect(parseResponseHead("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=3", "GET").keepAliveMs).toBe(5000);
});

test("whatever comes, it is a head or a FramingError", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary-ascii" }),
      fc.constantFrom("", "HTTP/1.1 200 OK\r\n"),
      (text, start) => {
        try {
          const head = parseResponseHead(start + text, "GET");
          expect(head.rawHeaders.every((value) => !/[\r\n\0]/.test(value))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(FramingError);
        }
      },
    ),
    { numRuns: 500 },
  );
});
