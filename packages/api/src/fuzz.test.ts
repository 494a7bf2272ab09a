import { problemSchema } from "@velocity/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PROJECT_ID, testApi } from "./testing/test-api.ts";

const RUNS = 150;
const json = fc.jsonValue({ maxDepth: 4 });
const word = fc.constantFrom(
  "api",
  "sessions",
  "start",
  "projects",
  "files",
  "stop",
  "exec",
  "events",
  PROJECT_ID,
);
const segment = fc.oneof(word, word, fc.string({ maxLength: 12, unit: "binary" }).map(encode));
const path = fc.array(segment, { maxLength: 7 }).map((segments) => `/api/${segments.join("/")}`);
const method = fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS");
const keyed = fc.dictionary(
  fc.constantFrom(
    ...["projectId", "env", "resources", "mode", "wait", "waitMs", "name", "files", "deletes", "id"],
    ...["command", "timeoutMs", "template", "level", "target", "baseVersion", "__proto__", "constructor"],
  ),
  fc.oneof(json, fc.constant(PROJECT_ID), fc.constant([{ path: "a", content: "b" }]), fc.constant(["ls"])),
);

function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** Below 400, or a problem whose status is the answer's; never 500. */
async function expectOrderly(answer: Response): Promise<void> {
  expect(answer.status).not.toBe(500);
  if (answer.status < 400 || answer.body === null) {
    await answer.body?.cancel();
    return;
  }
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  const problem = problemSchema.parse(await answer.json());
  expect(problem.status).toBe(answer.status);
}

test("no path and method give anything but an answer or a problem", async () => {
  const { request } = testApi();
  await fc.assert(
    fc.asyncProperty(method, path, fc.option(fc.string({ maxLength: 20 })), async (verb, at, query) => {
      const address = query === null ? at : `${at}?${encode(query)}=${encode(query)}`;
      await expectOrderly(
        await request(verb, address, verb === "POST" || verb === "PUT" ? { json: {} } : {}),
      );
    }),
    { numRuns: RUNS },
  );
});

test("no JSON body gives anything but an answer or a problem", async () => {
  const { request, sessions } = testApi();
  await request("POST", "/api/sessions/start", { json: { projectId: PROJECT_ID } });
  const [id] = sessions.rows.keys();
  const calls = [
    ["POST", "/api/sessions/start"],
    ["POST", "/api/projects"],
    ["PUT", `/api/projects/${PROJECT_ID}/files`],
    ["PATCH", `/api/projects/${PROJECT_ID}`],
    ["POST", `/api/sessions/${id}/suspend`],
    ["POST", `/api/sessions/${id}/restart`],
    ["POST", `/api/sessions/${id}/exec`],
  ] as const;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...calls), fc.oneof(json, keyed), async ([verb, at], body) => {
      await expectOrderly(await request(verb, at, { json: body }));
    }),
    { numRuns: RUNS },
  );
});

test("no bytes under any content type give anything but an answer or a problem", async () => {
  const { request } = testApi();
  const type = fc.constantFrom(
    ...["application/json", "application/json; charset=x", "application/problem+json", "text/plain"],
    ...["multipart/form-data", "application/x-www-form-urlencoded", "application/jsonp", "x", "/"],
  );
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string().map((text) => new TextEncoder().encode(text)),
  );
  await fc.assert(
    fc.asyncProperty(type, bytes, async (contentType, body) => {
      const answer = await request("POST", "/api/sessions/start", {
        body: new Uint8Array(body),
        headers: { "content-type": contentType },
      });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      await expectOrderly(answer);
    }),
    { numRuns: RUNS },
  );
});

test("JSON nested a hundred thousand deep is a problem, not a crash", async () => {
  const { request } = testApi();
  for (const body of [
    `${"[".repeat(100_000)}${"]".repeat(100_000)}`,
    `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`,
  ])
    await expectOrderly(
      await request("POST", "/api/sessions/start", { body, headers: { "content-type": "application/json" } }),
    );
});
