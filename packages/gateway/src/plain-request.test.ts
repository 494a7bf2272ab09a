import { createServer } from "node:http";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readPlainRequest } from "./plain-request.ts";

const HOST = "550e8400-e29b-41d4-a716-446655440000.velocity.localhost:4400";
const read = (text: string) => readPlainRequest(Buffer.from(text, "latin1"), 200);
const base = `GET /a?b HTTP/1.1\r\nHost: ${HOST}\r\n`;

test("a plain request is recognised, without its Connection line", () => {
  expect(read(`${base}Accept: */*\r\nConnection: keep-alive\r\nX-CasE: a  b\r\n\r\n`)).toEqual({
    method: "GET",
    target: "/a?b",
    host: HOST,
    rawHeaders: ["Host", HOST, "Accept", "*/*", "Connection", "keep-alive", "X-CasE", "a  b"],
    head: `${base}Accept: */*\r\nX-CasE: a  b\r\n`,
  });
});

test.each([
  ["a part of a head", `${base}Accept`],
  ["two requests", `${base}\r\n${base}\r\n`],
  ["a body", `${base}Content-Length: 1\r\n\r\nx`],
  ["a length", `${base}content-LENGTH: 0\r\n\r\n`],
  ["a coding", `${base}Transfer-Encoding: chunked\r\n\r\n`],
  ["an upgrade", `${base}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ["a Connection that names headers", `${base}Connection: keep-alive, X-A\r\n\r\n`],
  ["a Connection that closes", `${base}Connection: close\r\n\r\n`],
  ["a forged header of ours", `${base}x-Velocity-Probe: 1 a\r\n\r\n`],
  ["a forged forwarding header", `${base}X-FORWARDED-FOR: 1\r\n\r\n`],
  ["a platform cookie", `${base}Cookie: a=1; __Host-velocity=x\r\n\r\n`],
  ["an expectation", `${base}Expect: 100-continue\r\n\r\n`],
  ["two hosts", `${base}Host: ${HOST}\r\n\r\n`],
  ["no host", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"],
  ["another method", `POST / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`],
  ["HTTP/1.0", `GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`],
  ["an absolute target", `GET http://${HOST}/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`],
  ["a bare newline", `${base}A: b\nC: d\r\n\r\n`],
  ["a folded line", `${base}A: b\r\n c\r\n\r\n`],
  ["a space before the colon", `${base}A : b\r\n\r\n`],
  ["a NUL", `${base}A: b\0c\r\n\r\n`],
  ["bytes beyond ASCII", `${base}A: \xe9\r\n\r\n`],
  ["too many lines", `${base}${"A: b\r\n".repeat(200)}\r\n`],
])("%s is not plain", (_name, text) => expect(read(text)).toBeNull());

test("whatever is recognised, Node's parser reads in the same way", async () => {
  const piece = fc.constantFrom(
    "Host",
    "A",
    "Content-Length",
    "Transfer-Encoding",
    ":",
    ": ",
    " ",
    "\r\n",
    "\n",
    "\r",
    "\t",
    "x",
    "chunked",
    "1",
    ",",
    "\0",
    "\xe9",
    HOST,
    "\r\n\r\n",
  );
  const text = fc.array(piece, { maxLength: 12 }).map((parts) => `${base}${parts.join("")}\r\n\r\n`);
  const plainText = fc
    .array(
      fc.tuple(
        fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/),
        fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/),
      ),
      { maxLength: 8 },
    )
    .map((headers) => `${base}${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.oneof(text, plainText), async (input) => {
      const plain = read(input);
      if (plain === null) return;
      accepted += 1;
      const seen = await parsedByNode(input);
      expect(seen).toEqual([{ method: plain.method, url: plain.target, rawHeaders: plain.rawHeaders }]);
    }),
    { numRuns: 300 },
  );
  expect(accepted).toBeGreaterThan(50);
});

/** Every request that Node's server finds in these bytes. */
async function parsedByNode(input: string): Promise<unknown[]> {
  const seen: unknown[] = [];
  const server = createServer((req, res) => {
    seen.push({ method: req.method, url: req.url, rawHeaders: req.rawHeaders });
    res.end();
  });
  const bytes = new PassThrough();
  const ended = new Promise((resolve) => bytes.once("close", resolve));
  server.emit(
    "connection",
    Object.assign(bytes, { setTimeout: () => bytes, destroySoon: () => bytes.destroy() }),
  );
  bytes.write(input, "latin1");
  await new Promise((resolve) => setImmediate(resolve));
  bytes.destroy();
  await ended;
  return seen;
}
