import { describe, expect, test } from "vitest";
import { decideOrigin, type OriginPolicy } from "./origin-policy.ts";

const policy: OriginPolicy = {
  publicOrigin: "http://velocity.localhost:4400",
  editorOrigins: new Set(["https://editor.example"]),
  previewDomain: "velocity.localhost",
};
const PREVIEW = "http://550e8400-e29b-41d4-a716-446655440000.velocity.localhost:4400";

function decide(
  method: string,
  origin: string | null,
  fetchSite: string | null,
  host = "velocity.localhost:4400",
) {
  return decideOrigin({ method, origin, fetchSite, host }, policy).kind;
}

describe.each(["GET", "POST", "DELETE"])("%s", (method) => {
  test("programs, which send neither header, may", () => {
    expect(decide(method, null, null)).toBe("own");
  });
  test("our own pages may, at every name of ours", () => {
    expect(decide(method, "http://velocity.localhost:4400", "same-origin")).toBe("own");
    expect(decide(method, "http://localhost:4400", "same-origin", "localhost:4400")).toBe("own");
    expect(decide(method, "http://velocity.localhost:4400", "cross-site", "127.0.0.1:4400")).toBe("cors");
  });
  test("editors may, and get CORS headers", () => {
    expect(decide(method, "https://editor.example", "cross-site")).toBe("cors");
  });
  test("previews may not, though the browser calls them same-site", () => {
    expect(decide(method, PREVIEW, "same-site")).toBe("refused");
    expect(decide(method, PREVIEW, null)).toBe("refused");
    expect(decide(method, "http://x--3000.VELOCITY.localhost", null)).toBe("refused");
  });
  test("previews may not without an Origin either (no-cors, images, EventSource)", () => {
    expect(decide(method, null, "same-site")).toBe("refused");
    expect(decide(method, null, "cross-site")).toBe("refused");
  });
  test("opaque origins may not", () => {
    expect(decide(method, "null", null)).toBe("refused");
    expect(decide(method, "null", "cross-site")).toBe("refused");
  });
  test("nobody passes by likeness", () => {
    for (const origin of [
      "https://editor.example.evil.test",
      "http://evil.test#https://editor.example",
      "https://editor.example:8443",
      "http://editor.example",
      "file://velocity.localhost:4400",
    ])
      expect(decide(method, origin, "cross-site")).toBe("refused");
  });
});

test("a foreign page cannot change anything even where its browser sends no fetch metadata", () => {
  expect(decide("POST", "https://evil.test", null)).toBe("refused");
  expect(decide("PATCH", "https://evil.test", null)).toBe("refused");
});

test("and what it reads comes without CORS headers", () => {
  expect(decide("GET", "https://evil.test", null)).toBe("own");
});
