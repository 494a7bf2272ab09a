import { LOCAL_USER_ID, projectIdSchema, type SessionId } from "@velocity/contract";
import { expect, test, vi } from "vitest";
import { type newSession as Make, newSession } from "../../../testing/memory-sessions.ts";
import { PROJECT_ID, StepClock, testApi } from "../../../testing/test-api.ts";

type Sessions = ReturnType<typeof testApi>["sessions"];

function withSession(sessions: Sessions): ReturnType<typeof Make> {
  const session = newSession(projectIdSchema.parse(PROJECT_ID), LOCAL_USER_ID, "active");
  sessions.rows.set(session.id, session);
  return session;
}

function emit(sessions: Sessions, id: SessionId, text: string) {
  sessions.emit(id, { type: "log", data: { text } });
}

/** Reads the stream until what came matches; the reader stays open. */
function reading(answer: Response) {
  const reader = answer.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  return {
    async until(pattern: RegExp): Promise<string> {
      while (!pattern.test(text)) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) throw new Error(`the stream ended with ${JSON.stringify(text)}`);
        text += decoder.decode(value, { stream: true });
      }
      return text;
    },
    async rest(): Promise<string> {
      for (;;) {
        const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
        if (done) return text;
        text += decoder.decode(value, { stream: true });
      }
    },
    cancel: () => reader?.cancel(),
  };
}

test("200: what happened already, then what happens, one event each", async () => {
  const { request, sessions } = testApi();
  const { id } = withSession(sessions);
  emit(sessions, id, "one");
  const answer = await request("GET", `/api/sessions/${id}/events`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toContain("text/event-stream");
  const stream = reading(answer);
  await stream.until(/id: 1\n/);
  emit(sessions, id, "two\nlines");
  const text = await stream.until(/id: 2\n.*\n.*\n\n/);
  const data = [...text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1] ?? ""));
  expect(data.map((event) => [event.id, event.type, event.data.text])).toEqual([
    ["1", "log", "one"],
    ["2", "log", "two\nlines"],
  ]);
  await stream.cancel();
});

test("Last-Event-ID resumes after that event, without a gap and without a repeat", async () => {
  const { request, sessions } = testApi();
  const { id } = withSession(sessions);
  for (const text of ["one", "two", "three"]) emit(sessions, id, text);
  for (const init of [{ headers: { "last-event-id": "2" } }, {}]) {
    const query = "headers" in init ? "" : "?lastEventId=2";
    const stream = reading(await request("GET", `/api/sessions/${id}/events${query}`, init));
    const text = await stream.until(/id: 3\n/);
    expect(text).not.toMatch(/id: [12]\n/);
    await stream.cancel();
  }
});

test("400: a Last-Event-ID that no event ever had", async () => {
  const { request, sessions } = testApi();
  const { id } = withSession(sessions);
  const answer = await request("GET", `/api/sessions/${id}/events`, {
    headers: { "last-event-id": "a b'--" },
  });
  expect(answer.status).toBe(400);
});

test("comments keep a quiet stream alive, and no timer is left behind", async () => {
  const clock = new StepClock();
  const { request, sessions } = testApi({ clock });
  const { id } = withSession(sessions);
  const stream = reading(await request("GET", `/api/sessions/${id}/events`));
  await stream.until(/: open/);
  for (let beat = 0; beat < 3; beat++) {
    const next = stream.until(new RegExp(`(: keep-alive\\n\\n){${beat + 1}}`));
    await vi.waitFor(() => expect(clock.sleeping).toBe(1));
    clock.wakeAll();
    await next;
  }
  await stream.cancel();
  expect(clock.sleeping).toBe(0);
});

test("a client that leaves ends its source", async () => {
  const { request, sessions } = testApi();
  const { id } = withSession(sessions);
  const leaving = new AbortController();
  const stream = reading(await request("GET", `/api/sessions/${id}/events`, { signal: leaving.signal }));
  await stream.until(/: open/);
  const rest = stream.rest();
  await vi.waitFor(() => expect(sessions.openStreams).toBe(1));
  leaving.abort();
  await vi.waitFor(() => expect(sessions.openStreams).toBe(0));
  await rest;
});

test("HEAD leaves no stream behind", async () => {
  const { request, sessions } = testApi();
  const { id } = withSession(sessions);
  const answer = await request("HEAD", `/api/sessions/${id}/events`);
  expect(answer.status).toBe(200);
  expect(await answer.text()).toBe("");
  expect(sessions.openStreams).toBe(0);
});

test("closing the API ends every stream cleanly and refuses new ones with 503", async () => {
  const { api, request, sessions } = testApi();
  const { id } = withSession(sessions);
  const stream = reading(await request("GET", `/api/sessions/${id}/events`));
  await stream.until(/: open/);
  const rest = stream.rest();
  await vi.waitFor(() => expect(sessions.openStreams).toBe(1));
  api.close();
  expect(await rest).toMatch(/: open\n\n$/);
  await vi.waitFor(() => expect(sessions.openStreams).toBe(0));
  const refused = await request("GET", `/api/sessions/${id}/events`);
  expect(refused.status).toBe(503);
  expect(refused.headers.has("retry-after")).toBe(true);
  expect((await request("GET", "/ready")).status).toBe(503);
});

test("429: the hundred and first stream of one user; a closed one gives its place back", async () => {
  const { request, sessions } = testApi();
  const { id } = withSession(sessions);
  const open = await Promise.all(
    Array.from({ length: 100 }, () => request("GET", `/api/sessions/${id}/events`)),
  );
  expect((await request("GET", `/api/sessions/${id}/events`)).status).toBe(429);
  await open[0]?.body?.cancel();
  const again = await request("GET", `/api/sessions/${id}/events`);
  expect(again.status).toBe(200);
  await Promise.all([...open.slice(1), again].map((answer) => answer.body?.cancel()));
});

test("a source that fails says so in its last event, without detail", async () => {
  const { request, sessions } = testApi();
  const { id } = withSession(sessions);
  sessions.events = async () =>
    (async function* () {
      yield { id: "1", type: "log" as const, at: "2026-01-01T00:00:00.000Z", data: {} };
      throw new Error("connect ECONNREFUSED /var/lib/secret.sock");
    })();
  const text = await (await request("GET", `/api/sessions/${id}/events`)).text();
  expect(text).toMatch(/event: error\ndata: .*"code":"internal"/);
  expect(text).not.toContain("secret");
});
