import { expect, test } from "vitest";
import { testApi } from "../../testing/test-api.ts";

const ID = "0d7b7d2e-6f0f-4a53-9c8e-1d0a3b1f0c11";

test.each([
  [`/session/${ID}`, "/"],
  [`/session/${ID}/`, "/"],
  [`/session/${ID}/deep/page?x=1&y=%2F`, "/deep/page?x=1&y=%2F"],
  [`/session/${ID}//evil.example/x`, "//evil.example/x"],
  [`/session/${ID.toUpperCase()}/a`, "/a"],
])("302: %s goes to the session's own host, path and query untouched", async (path, rest) => {
  const answer = await testApi().request("GET", path);
  expect(answer.status).toBe(302);
  const location = answer.headers.get("location") ?? "";
  expect(new URL(location).hostname.startsWith(`${ID}.`)).toBe(true);
  expect(location.endsWith(rest)).toBe(true);
});

test.each(["/session/nope", "/session/", `/session/${ID}x/`])(
  "404: %s is no session's address",
  async (path) => {
    expect((await testApi().request("GET", path)).status).toBe(404);
  },
);

test("405: only reading is redirected", async () => {
  expect((await testApi().request("POST", `/session/${ID}`)).status).toBe(405);
});
