import fc from "fast-check";
import { expect, test } from "vitest";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import { FramingError } from "./response-head.ts";

function encode(pieces: readonly Uint8Array[], tail: string): Buffer {
  const parts = pieces.filter((piece) => piece.length > 0);
  return Buffer.concat([
    ...parts.flatMap((piece) => [
      Buffer.from(`${piece.length.toString(16)}\r\n`),
      piece,
      Buffer.from("\r\n"),
    ]),
    Buffer.from(tail),
  ]);
}

test("however the bytes are cut, the body, the trailers and the end are the same", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }),
      fc.array(fc.nat(2000), { maxLength: 20 }),
      (pieces, cuts) => {
        const coded = encode(pieces, "0\r\nX-A: 1\r\nX-B: 2\r\n\r\n");
        const input = Buffer.concat([coded, Buffer.from("NEXT")]);
        const decoder = new ChunkedDecoder();
        const body: Buffer[] = [];
        let at = 0;
        let used = 0;
        for (const cut of [...cuts.map((n) => n % input.length).sort((a, b) => a - b), input.length]) {
          used += decoder.push(input.subarray(at, cut), (piece) => body.push(Buffer.from(piece)));
          at = cut;
        }
        expect(decoder.done).toBe(true);
        expect(used).toBe(coded.length);
        expect(Buffer.concat(body)).toEqual(Buffer.concat(pieces));
        expect(decoder.trailers).toEqual(["X-A", "1", "X-B", "2"]);
      },
    ),
  );
});

test.each([
  "g\r\n",
  "\r\n",
  "-1\r\n",
  "+1\r\n",
  "0x1\r\n",
  " 1\r\n",
  "1 \r\nx",
  "1\nx\r\n",
  "1\r\nxy\r\n",
  "1\r\nx\n0\r\n\r\n",
  "fffffffffffffffff\r\n",
  `${"1".repeat(600)}`,
  "0\r\nbad trailer\r\n\r\n",
  "0\r\nA: b\n\r\n",
  `0\r\n${"A: b\r\n".repeat(3000)}`,
])("%j is refused", (text) => {
  const decoder = new ChunkedDecoder();
  expect(() => decoder.push(Buffer.from(text, "latin1"), () => {})).toThrow(FramingError);
});

test("extensions are passed over", () => {
  const decoder = new ChunkedDecoder();
  let body = "";
  decoder.push(Buffer.from("3;a=b\r\nabc\r\n0;x\r\n\r\n"), (piece) => {
    body += piece.toString();
  });
  expect([body, decoder.done]).toEqual(["abc", true]);
});
