import { problemSchema } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { EDITOR_ORIGIN, PROJECT_ID, testApi } from "../testing/test-api.ts";

const PREVIEW = "http://550e8400-e29b-41d4-a716-446655440000.velocity.localhost:4400";

describe("hosts", () => {
  test.each([
    ["velocity.localhost:4400", 200],
    ["VELOCITY.localhost:4400", 200],
    ["localhost:4400", 200],
    ["127.0.0.1:4400", 200],
    ["[::1]:4400", 200],
    ["evil.test", 403],
    ["velocity.localhost.evil.test:4400", 403],
    ["localhost.evil.test", 403],
    ["169.254.169.254", 403],
  ])("%s answers %i: a name of somebody else is DNS rebinding", async (host, status) => {
    const { request } = testApi();
    const answer = await request("GET", "/api/templates", { headers: { host } });
    expect(answer.status).toBe(status);
    if (status === 403) expect(problemSchema.parse(await answer.json()).code).toBe("forbidden");
  });

  test("health is for any name: probes of an orchestrator ask by address", async () => {
    const { request } = testApi();
    expect((await request("GET", "/health", { headers: { host: "10.0.0.7:4400" } })).status).toBe(200);
  });
});

describe("CORS", () => {
  test("an editor's preflight is answered, for its origin only", async () => {
    const { request } = testApi();
    const answer = await request("OPTIONS", "/api/sessions/start", {
      headers: {
        origin: EDITOR_ORIGIN,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type,idempotency-key",
        "sec-fetch-site": "cross-site",
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe(EDITOR_ORIGIN);
    expect(answer.headers.get("access-control-allow-headers")).toContain("idempotency-key");
    expect(answer.headers.get("access-control-allow-methods")).toContain("POST");
    expect(answer.headers.get("vary")).toContain("Origin");
  });

  test.each([PREVIEW, "https://evil.test", "null"])("a preflight from %s is refused", async (origin) => {
    const { request } = testApi();
    const answer = await request("OPTIONS", "/api/sessions/start", {
      headers: { origin, "access-control-request-method": "POST" },
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("an editor reads errors too", async () => {
    const { request } = testApi();
    const answer = await request("GET", "/api/sessions/nope", { headers: { origin: EDITOR_ORIGIN } });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("access-control-allow-origin")).toBe(EDITOR_ORIGIN);
  });

  test("a foreign page gets no CORS headers", async () => {
    const { request } = testApi();
    const answer = await request("GET", "/api/sessions", { headers: { origin: "https://evil.test" } });
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });
});

test("403: a preview's page cannot start, read or follow anything with its viewer's rights", async () => {
  const { request, sessions } = testApi();
  const json = { projectId: PROJECT_ID };
  for (const headers of [
    { origin: PREVIEW },
    { origin: PREVIEW, "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "cross-site" },
    { origin: "null" },
  ]) {
    expect((await request("POST", "/api/sessions/start", { json, headers })).status).toBe(403);
    expect((await request("GET", "/api/sessions", { headers })).status).toBe(403);
  }
  expect(sessions.rows.size).toBe(0);
});

test("every answer forbids sniffing, embedding and caching, and has a request id", async () => {
  const { request } = testApi();
  for (const path of ["/api/templates", "/api/nothing", "/api/sessions/x"]) {
    const { headers } = await request("GET", path);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  }
});
