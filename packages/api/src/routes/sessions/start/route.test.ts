import { LOCAL_USER_ID, problemSchema, startResponseSchema, VelocityError } from "@velocity/contract";
import { expect, test } from "vitest";
import { ALICE, nameAuthenticator, PROJECT_ID, testApi } from "../../../testing/test-api.ts";

const start = "/api/sessions/start";

test("201: a new session, with its URL below the preview domain and no secrets", async () => {
  const { request } = testApi();
  const answer = await request("POST", start, { json: { projectId: PROJECT_ID } });
  expect(answer.status).toBe(201);
  const text = await answer.text();
  expect(text).not.toContain("SECRET");
  const { session, reused, source } = startResponseSchema.parse(JSON.parse(text));
  expect(session.url).toBe(`http://${session.id}.velocity.localhost:4400`);
  expect(session.previewUrl).toBe(session.url);
  expect(session.userId).toBe(LOCAL_USER_ID);
  expect({ reused, source }).toEqual({ reused: false, source: "cold" });
  expect(answer.headers.get("location")).toBe(`/api/sessions/${session.id}`);
});

test("200: the same session the second time", async () => {
  const { request } = testApi();
  const first = startResponseSchema.parse(
    await (await request("POST", start, { json: { projectId: PROJECT_ID } })).json(),
  );
  const again = await request("POST", start, { json: { projectId: PROJECT_ID } });
  expect(again.status).toBe(200);
  const second = startResponseSchema.parse(await again.json());
  expect(second.session.id).toBe(first.session.id);
  expect(second.reused).toBe(true);
});

test("202: not done yet; there is a URL but nothing to open", async () => {
  const { request, sessions } = testApi();
  sessions.slowStart = true;
  const answer = await request("POST", start, { json: { projectId: PROJECT_ID, wait: false } });
  expect(answer.status).toBe(202);
  const { session } = startResponseSchema.parse(await answer.json());
  expect(session.previewUrl).toBeNull();
  expect(session.url).toContain(session.id);
});

test("400: a body that is not JSON, with the position and without quoting it", async () => {
  const { request } = testApi();
  const answer = await request("POST", start, {
    body: '{\n  "projectId": "x",, "secret": 1}',
    headers: { "content-type": "application/json" },
  });
  expect(answer.status).toBe(400);
  const problem = problemSchema.parse(await answer.json());
  expect(problem.code).toBe("invalid_json");
  expect(problem.detail).toMatch(/line 2, column \d+/);
  expect(JSON.stringify(problem)).not.toContain("secret");
});

test("403: another user named by a plain user", async () => {
  const { request } = testApi({ authenticator: nameAuthenticator });
  const answer = await request("POST", start, {
    json: { projectId: PROJECT_ID, userId: ALICE },
    headers: { authorization: "Bearer bob" },
  });
  expect(answer.status).toBe(403);
});

test("404: an unknown project where users are known", async () => {
  const { request } = testApi({ authenticator: nameAuthenticator });
  const answer = await request("POST", start, {
    json: { projectId: PROJECT_ID },
    headers: { authorization: "Bearer alice" },
  });
  expect(answer.status).toBe(404);
});

test("413: a body over one megabyte", async () => {
  const { request } = testApi();
  const answer = await request("POST", start, {
    json: { projectId: PROJECT_ID, env: { BIG: "x".repeat(1024 * 1024) } },
  });
  expect(answer.status).toBe(413);
  expect(problemSchema.parse(await answer.json()).code).toBe("payload_too_large");
});

test("415: a form", async () => {
  const { request } = testApi();
  const answer = await request("POST", start, {
    body: `projectId=${PROJECT_ID}`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect(answer.status).toBe(415);
  expect(problemSchema.parse(await answer.json()).code).toBe("unsupported_media_type");
});

test("422: unknown fields and wrong types, each named by its dotted path", async () => {
  const { request } = testApi();
  const answer = await request("POST", start, {
    json: { projectId: PROJECT_ID, forcenew: true, resources: { cpus: "2", gpu: 1 }, env: { "a b": "x" } },
  });
  expect(answer.status).toBe(422);
  const problem = problemSchema.parse(await answer.json());
  expect(problem.errors?.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
    "env.a b invalid_key",
    "forcenew unknown_field",
    "resources.cpus invalid_type",
    "resources.gpu unknown_field",
  ]);
});

test("422: no body at all names what is missing", async () => {
  const { request } = testApi();
  const answer = await request("POST", start);
  expect(answer.status).toBe(422);
  expect(problemSchema.parse(await answer.json()).errors?.[0]?.path).toBe("projectId");
});

test.each([
  ["quota", 429, true],
  ["install_failed", 502, false],
  ["no_capacity", 503, true],
  ["server_not_listening", 504, false],
] as const)("a start that fails with %s answers %i", async (code, status, retryAfter) => {
  const { request, sessions } = testApi();
  sessions.failStart = new VelocityError(code, "Plain words.", { context: { stack: "/var/lib/secret" } });
  const answer = await request("POST", start, { json: { projectId: PROJECT_ID } });
  expect(answer.status).toBe(status);
  expect(answer.headers.has("retry-after")).toBe(retryAfter);
  const text = await answer.text();
  expect(text).not.toContain("/var/lib");
  expect(problemSchema.parse(JSON.parse(text))).toMatchObject({
    code,
    instance: start,
    detail: "Plain words.",
  });
});

test("500: what we do not know is not told, but logged under the requestId", async () => {
  const logged: object[] = [];
  const log = { debug() {}, info() {}, warn() {}, error: (fields: object) => void logged.push(fields) };
  const { request, sessions } = testApi({ log });
  sessions.failStart = new Error("ENOENT: /var/lib/secret");
  const answer = await request("POST", start, { json: { projectId: PROJECT_ID } });
  expect(answer.status).toBe(500);
  const text = await answer.text();
  expect(text).not.toContain("secret");
  const problem = problemSchema.parse(JSON.parse(text));
  expect(problem.requestId).toBe(answer.headers.get("x-request-id"));
  expect(logged).toEqual([
    expect.objectContaining({ requestId: problem.requestId, error: sessions.failStart }),
  ]);
});

test("the preview URL takes scheme and port of the public URL", async () => {
  const { request } = testApi({
    config: {
      publicUrl: "https://velocity.example",
      previewDomain: "previews.example",
      port: 4400,
      authMode: "none",
      version: "1",
      editorOrigins: [],
    },
  });
  const answer = await request("POST", start, {
    json: { projectId: PROJECT_ID },
    headers: { host: "velocity.example" },
  });
  const { session } = startResponseSchema.parse(await answer.json());
  expect(session.url).toBe(`https://${session.id}.previews.example`);
});
