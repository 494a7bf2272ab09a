import { expect, test } from "vitest";
import { PROJECT_ID, testApi } from "../testing/test-api.ts";

test("one event per request: the route's pattern and the user, never an address or a secret", async () => {
  const events: object[] = [];
  const write = (fields: object) => void events.push(fields);
  const { request } = testApi({ log: { debug: write, info: write, warn: write, error: write } });
  await request("GET", `/api/sessions/${PROJECT_ID}?ticket=s3cret`, {
    headers: { authorization: "Bearer s3cret" },
  });
  await request("POST", "/api/sessions/start", { json: { projectId: PROJECT_ID, env: { KEY: "s3cret" } } });
  await request("GET", "/api/nothing/s3cret");
  expect(events).toEqual([
    expect.objectContaining({ method: "GET", route: "/api/sessions/:id", status: 404, code: "not_found" }),
    expect.objectContaining({ method: "POST", route: "/api/sessions/start", status: 201 }),
    expect.objectContaining({ method: "GET", route: "unmatched", status: 404, code: "not_found" }),
  ]);
  expect(events[1]).toHaveProperty("userId", "00000000-0000-0000-0000-000000000001");
  expect(JSON.stringify(events)).not.toContain("s3cret");
  expect(JSON.stringify(events)).not.toContain(PROJECT_ID);
});
