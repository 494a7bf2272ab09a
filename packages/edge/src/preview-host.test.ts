import fc from "fast-check";
import { expect, test } from "vitest";
import { normalizeHost, parsePreviewHost } from "./preview-host.ts";

const DOMAIN = "velocity.localhost";
const ID = "550e8400-e29b-41d4-a716-446655440000";
const parse = (host: string) => parsePreviewHost(host, DOMAIN);

test.each([
  [`${ID}.${DOMAIN}`, undefined],
  [`${ID}.${DOMAIN}:4400`, undefined],
  [`${ID.toUpperCase()}.Velocity.LOCALHOST.:80`, undefined],
  [`${ID}--3000.${DOMAIN}:4400`, 3000],
  [`${ID}--65535.${DOMAIN}`, 65_535],
])("%s is a session's host", (host, port) => {
  expect(parse(host)).toEqual({ kind: "session", id: ID, ...(port === undefined ? {} : { port }) });
});

test.each([
  DOMAIN,
  `${DOMAIN}.`,
  `${DOMAIN}:4400`,
  "localhost",
  "127.0.0.1:4400",
  "[::1]:4400",
  `x${DOMAIN}`,
  "example.com",
])("%s is not ours", (host) => expect(parse(host)).toEqual({ kind: "other" }));

test.each([
  `nope.${DOMAIN}`,
  `${ID}x.${DOMAIN}`,
  `x.${ID}.${DOMAIN}`,
  `${ID}--0.${DOMAIN}`,
  `${ID}--03000.${DOMAIN}`,
  `${ID}--65536.${DOMAIN}`,
  `${ID}--.${DOMAIN}`,
  `${ID}-3000.${DOMAIN}`,
  `${ID.replaceAll("-", "")}.${DOMAIN}`,
  `.${DOMAIN}`,
  "",
  "a b",
  "a:b",
  `${ID}.${DOMAIN}..`,
  `${ID}.${DOMAIN}:99999`,
  `${ID}.${DOMAIN}:`,
  `user@${ID}.${DOMAIN}`,
])("%j is malformed", (host) => expect(parse(host)).toEqual({ kind: "malformed" }));

test("never throws, and finds a session only in what spells one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(parse(text).kind).not.toBe("session");
      expect(parse(`${text}.${DOMAIN}`).kind).not.toBe("session");
      const name = normalizeHost(text);
      if (name !== null) expect(normalizeHost(name)).toBe(name);
    }),
  );
});
