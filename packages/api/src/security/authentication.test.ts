import { problemSchema, startResponseSchema } from "@velocity/contract";
import { expect, test } from "vitest";
import { apiKeyAuthenticator, hashApiKey } from "../auth/api-key-authenticator.ts";
import { ALICE, BOB, nameAuthenticator, PROJECT_ID, testApi } from "../testing/test-api.ts";

const alice = { authorization: "Bearer alice" };
const bob = { authorization: "Bearer bob" };

test("401: nobody, with WWW-Authenticate, before anything else is said", async () => {
  const { request } = testApi({ authenticator: nameAuthenticator });
  for (const [method, path] of [
    ["GET", "/api/sessions"],
    ["GET", "/api/nothing"],
    ["POST", "/api/sessions/start"],
  ] as const) {
    const answer = await request(method, path);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(problemSchema.parse(await answer.json()).code).toBe("unauthorized");
  }
});

test("the OpenAPI document and health need no key", async () => {
  const { request } = testApi({ authenticator: nameAuthenticator });
  expect((await request("GET", "/api/openapi.json")).status).toBe(200);
  expect((await request("GET", "/health")).status).toBe(200);
});

test("404: a session of someone else is byte-identical to a missing one, apart from the requestId", async () => {
  const { request, projects, sessions } = testApi({ authenticator: nameAuthenticator });
  await projects.create(
    { userId: ALICE, role: "user", createsUnknownProjects: false },
    { id: PROJECT_ID, name: "hers" },
  );
  const started = await request("POST", "/api/sessions/start", {
    json: { projectId: PROJECT_ID },
    headers: alice,
  });
  const { session } = startResponseSchema.parse(await started.json());
  const calls = [
    ["GET", ""],
    ["DELETE", ""],
    ["POST", "/stop"],
    ["POST", "/suspend"],
    ["POST", "/resume"],
    ["POST", "/restart"],
    ["POST", "/heartbeat"],
    ["POST", "/terminate"],
    ["GET", "/events"],
    ["GET", "/history"],
    ["GET", "/logs"],
    ["POST", "/exec"],
  ] as const;
  const ask = async () => {
    const answers: string[] = [];
    for (const [method, path] of calls) {
      const answer = await request(method, `/api/sessions/${session.id}${path}`, {
        headers: bob,
        ...(path === "/exec" ? { json: { command: ["id"] } } : {}),
      });
      expect(answer.status).toBe(404);
      const text = await answer.text();
      const { requestId } = problemSchema.parse(JSON.parse(text));
      const headers = [...answer.headers].filter(([name]) => name !== "x-request-id");
      answers.push(JSON.stringify(headers) + text.replace(requestId, ""));
    }
    return answers;
  };
  const foreign = await ask();
  sessions.rows.clear();
  expect(await ask()).toEqual(foreign);
});

test("403: the engine's description is for admins", async () => {
  const { request } = testApi({ authenticator: nameAuthenticator });
  expect((await request("GET", "/api/driver", { headers: alice })).status).toBe(403);
  expect((await testApi().request("GET", "/api/driver")).status).toBe(200);
  expect((await request("GET", "/api/pool", { headers: alice })).status).toBe(403);
  expect(await (await testApi().request("GET", "/api/pool")).json()).toMatchObject({ size: 1, available: 1 });
});

test("403: a directory of the server is linked by admins only", async () => {
  const { request } = testApi({ authenticator: nameAuthenticator });
  const answer = await request("POST", "/api/projects", {
    json: { name: "x", directory: "/etc" },
    headers: alice,
  });
  expect(answer.status).toBe(403);
});

test("an API key is found by its hash; expired, revoked and malformed ones are nobody", async () => {
  const asked: string[] = [];
  const tokens = new Map([
    [hashApiKey("good"), { userId: BOB, role: "user" as const, expiresAt: null, revokedAt: null }],
    [hashApiKey("old"), { userId: BOB, role: "user" as const, expiresAt: new Date(5), revokedAt: null }],
    [hashApiKey("gone"), { userId: BOB, role: "user" as const, expiresAt: null, revokedAt: new Date(1) }],
  ]);
  const keys = apiKeyAuthenticator({
    findToken: async (hash) => {
      asked.push(hash);
      return tokens.get(hash) ?? null;
    },
    now: () => new Date(5),
  });
  const who = async (authorization: string | null) =>
    (await keys.authenticate({ authorization }))?.userId ?? null;
  expect(await who("Bearer good")).toBe(BOB);
  expect(await who("bearer good")).toBe(BOB);
  for (const bad of [null, "", "good", "Basic good", "Bearer", "Bearer old", "Bearer gone", "Bearer a b"])
    expect(await who(bad)).toBeNull();
  expect(await who(`Bearer ${"x".repeat(10_000)}`)).toBeNull();
  expect(asked.every((hash) => /^[0-9a-f]{64}$/.test(hash))).toBe(true);
});
