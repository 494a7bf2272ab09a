import { problemSchema, VelocityError } from "@velocity/contract";
import { expect, test } from "vitest";
import { nameAuthenticator, PROJECT_ID, testApi } from "../testing/test-api.ts";

const start = "/api/sessions/start";
const key = { "idempotency-key": "k-1" };

test("the same request under the same key is carried out once and answered the same", async () => {
  const { request, sessions } = testApi();
  const json = { projectId: PROJECT_ID, forceNew: true };
  const first = await request("POST", start, { json, headers: key });
  const again = await request("POST", start, { json, headers: key });
  expect(first.status).toBe(201);
  expect(again.status).toBe(201);
  expect(await again.text()).toBe(await first.text());
  expect(again.headers.get("location")).toBe(first.headers.get("location"));
  expect(again.headers.get("content-type")).toBe(first.headers.get("content-type"));
  expect(again.headers.get("idempotency-replayed")).toBe("true");
  expect(sessions.rows.size).toBe(1);
});

test("409: the same key with another body", async () => {
  const { request } = testApi();
  await request("POST", start, { json: { projectId: PROJECT_ID }, headers: key });
  const answer = await request("POST", start, {
    json: { projectId: PROJECT_ID, forceNew: true },
    headers: key,
  });
  expect(answer.status).toBe(409);
  expect(problemSchema.parse(await answer.json()).code).toBe("conflict");
});

test("409 with Retry-After: while the first request is still running", async () => {
  const { request, sessions } = testApi();
  const gate = Promise.withResolvers<void>();
  const original = sessions.start.bind(sessions);
  sessions.start = async (caller, options) => {
    await gate.promise;
    return original(caller, options);
  };
  const first = request("POST", start, { json: { projectId: PROJECT_ID }, headers: key });
  const busy = await request("POST", start, { json: { projectId: PROJECT_ID }, headers: key });
  expect(busy.status).toBe(409);
  expect(busy.headers.get("retry-after")).toBe("1");
  gate.resolve();
  expect((await first).status).toBe(201);
});

test("a failure that may pass is not kept: the retry is carried out", async () => {
  const { request, sessions } = testApi();
  sessions.failStart = new VelocityError("no_capacity", "Full.");
  expect((await request("POST", start, { json: { projectId: PROJECT_ID }, headers: key })).status).toBe(503);
  sessions.failStart = undefined;
  expect((await request("POST", start, { json: { projectId: PROJECT_ID }, headers: key })).status).toBe(201);
});

test("204 is repeated as 204", async () => {
  const { request } = testApi();
  await request("POST", "/api/projects", { json: { id: PROJECT_ID, name: "x" } });
  expect((await request("DELETE", `/api/projects/${PROJECT_ID}`, { headers: key })).status).toBe(204);
  expect((await request("DELETE", `/api/projects/${PROJECT_ID}`, { headers: key })).status).toBe(204);
  expect((await request("DELETE", `/api/projects/${PROJECT_ID}`)).status).toBe(404);
});

test("keys are each user's own", async () => {
  const { request } = testApi({ authenticator: nameAuthenticator });
  const create = (user: string) =>
    request("POST", "/api/projects", {
      json: { name: user },
      headers: { ...key, authorization: `Bearer ${user}` },
    });
  expect((await create("alice")).status).toBe(201);
  expect((await create("bob")).status).toBe(201);
});

test.each(["", "a b", "x".repeat(201), "é"])("400: the key %j", async (bad) => {
  const { request } = testApi();
  const answer = await request("POST", start, {
    json: { projectId: PROJECT_ID },
    headers: { "idempotency-key": bad },
  });
  expect(answer.status).toBe(400);
});
