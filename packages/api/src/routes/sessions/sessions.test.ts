import { LOCAL_USER_ID, problemSchema, projectIdSchema, sessionSchema } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { newSession } from "../../testing/memory-sessions.ts";
import { PROJECT_ID, testApi } from "../../testing/test-api.ts";

const listOf = z.object({ items: z.array(sessionSchema), nextCursor: z.string().nullable() });

function apiWithSessions(count: number) {
  const made = testApi();
  const sessions = Array.from({ length: count }, () =>
    newSession(projectIdSchema.parse(PROJECT_ID), LOCAL_USER_ID, "active"),
  );
  for (const session of sessions) made.sessions.rows.set(session.id, session);
  return { ...made, ids: sessions.map((session) => session.id), path: `/api/sessions/${sessions[0]?.id}` };
}

describe("one session", () => {
  test("200: get, stop, resume, suspend, restart, heartbeat, terminate answer the session", async () => {
    const { request, path } = apiWithSessions(1);
    const after = async (method: string, call: string, json?: unknown) => {
      const answer = await request(method, `${path}${call}`, json === undefined ? {} : { json });
      expect(answer.status).toBe(200);
      const { state, level } = sessionSchema.parse(await answer.json());
      return { state, level };
    };
    expect(await after("GET", "")).toEqual({ state: "active", level: null });
    expect(await after("POST", "/stop")).toEqual({ state: "suspended", level: "frozen" });
    expect(await after("POST", "/resume")).toEqual({ state: "active", level: null });
    expect(await after("POST", "/suspend")).toEqual({ state: "suspended", level: "frozen" });
    expect(await after("POST", "/suspend", { level: "hibernate" })).toEqual({
      state: "suspended",
      level: "hibernated",
    });
    expect(await after("POST", "/restart", {})).toEqual({ state: "suspended", level: "hibernated" });
    expect(await after("POST", "/heartbeat")).toEqual({ state: "suspended", level: "hibernated" });
    expect(await after("POST", "/terminate")).toEqual({ state: "terminated", level: null });
    expect(await after("DELETE", "")).toEqual({ state: "terminated", level: null });
  });

  test("a body that may be left out may also be empty with a content type", async () => {
    const { request, path } = apiWithSessions(1);
    const answer = await request("POST", `${path}/suspend`, {
      body: "",
      headers: { "content-type": "application/json" },
    });
    expect(answer.status).toBe(200);
  });

  test("an id in capitals is the same id", async () => {
    const { request, ids } = apiWithSessions(1);
    expect((await request("GET", `/api/sessions/${ids[0]?.toUpperCase()}`)).status).toBe(200);
  });

  test.each(["nope", "123", "550e8400-e29b-41d4-a716-44665544000g", "%00", "..%2f..", "%ff"])(
    "400 invalid_id: %s",
    async (id) => {
      const { request } = testApi();
      const answer = await request("GET", `/api/sessions/${id}`);
      expect(answer.status).toBe(400);
      expect(problemSchema.parse(await answer.json()).code).toBe("invalid_id");
    },
  );

  test("409: not possible in this state", async () => {
    const { request, path } = apiWithSessions(1);
    await request("DELETE", path);
    const answer = await request("POST", `${path}/resume`);
    expect(answer.status).toBe(409);
    expect(problemSchema.parse(await answer.json()).code).toBe("invalid_state");
  });

  test("422: an unknown level", async () => {
    const { request, path } = apiWithSessions(1);
    expect((await request("POST", `${path}/suspend`, { json: { level: "deep" } })).status).toBe(422);
  });
});

describe("the list", () => {
  test("200: page by page, each session once", async () => {
    const { request, ids } = apiWithSessions(5);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query: string = cursor === "" ? "?limit=2" : `?limit=2&cursor=${cursor}`;
      const page: z.infer<typeof listOf> = listOf.parse(
        await (await request("GET", `/api/sessions${query}`)).json(),
      );
      seen.push(...page.items.map((session) => session.id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(ids);
  });

  test("200: only the states asked for", async () => {
    const { request, path } = apiWithSessions(3);
    await request("POST", `${path}/stop`);
    const count = async (state: string) =>
      listOf.parse(await (await request("GET", `/api/sessions?state=${state}`)).json()).items.length;
    expect([await count("suspended"), await count("active"), await count("active,suspended")]).toEqual([
      1, 2, 3,
    ]);
  });

  test.each(["cursor=%27%20or%201", "cursor=", "cursor=abc"])("400: %s", async (query) => {
    const answer = await testApi().request("GET", `/api/sessions?${query}`);
    expect(answer.status).toBe(400);
    expect(problemSchema.parse(await answer.json()).code).toBe("bad_request");
  });

  test.each([
    "limit=0",
    "limit=201",
    "limit=-1",
    "limit=1e2",
    "limit=x",
    "state=gone",
    "projectId=1",
    "nope=1",
  ])("422: %s", async (query) => {
    const answer = await testApi().request("GET", `/api/sessions?${query}`);
    expect(answer.status).toBe(422);
    const [error] = problemSchema.parse(await answer.json()).errors ?? [];
    expect(error?.path.split(".")[0]).toBe(query.split("=")[0]);
  });
});

test("logs are one JSON line each", async () => {
  const { request, sessions, path } = apiWithSessions(1);
  const line = { at: "2026-01-01T00:00:00.000Z", source: "server", stream: "stdout", text: "a\nb" } as const;
  sessions.lines = [line, { ...line, text: "ü" }];
  const answer = await request("GET", `${path}/logs?follow=0`);
  expect(answer.headers.get("content-type")).toContain("application/x-ndjson");
  const lines = (await answer.text()).trimEnd().split("\n");
  expect(lines.map((text) => JSON.parse(text).text)).toEqual(["a\nb", "ü"]);
});

test("exec answers what the command said; a missing command is 422", async () => {
  const { request, path } = apiWithSessions(1);
  const answer = await request("POST", `${path}/exec`, { json: { command: ["ls"] } });
  expect(await answer.json()).toEqual({ exitCode: 0, stdout: "ok\n", stderr: "", truncated: false });
  expect((await request("POST", `${path}/exec`, { json: { command: [] } })).status).toBe(422);
  expect((await request("POST", `${path}/exec`, { json: { command: "ls" } })).status).toBe(422);
});

test("history is a list", async () => {
  const { request, path } = apiWithSessions(1);
  const body = z.object({ items: z.array(z.unknown()), nextCursor: z.null() });
  expect(body.parse(await (await request("GET", `${path}/history`)).json()).items).toHaveLength(1);
});
