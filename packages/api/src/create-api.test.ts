import { once } from "node:events";
import { createServer, request as httpRequest, IncomingMessage, type Server } from "node:http";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { LOCAL_USER_ID, problemSchema, projectIdSchema } from "@velocity/contract";
import { afterEach, expect, test, vi } from "vitest";
import { newSession } from "./testing/memory-sessions.ts";
import { PROJECT_ID, testApi } from "./testing/test-api.ts";

const open: Server[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
});

/** The API behind Node's own HTTP server, on a port of its own. */
async function listening() {
  const made = testApi();
  const server = createServer(made.api.handle);
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { ...made, port: address.port, url: `http://127.0.0.1:${address.port}` };
}

/** Sends bytes as they are and reads until the server is done with us. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test("answers over HTTP what fetch answers", async () => {
  const { url } = await listening();
  const answer = await fetch(`${url}/api/sessions/start`, {
    method: "POST",
    body: JSON.stringify({ projectId: PROJECT_ID }),
    headers: { "content-type": "application/json" },
  });
  expect(answer.status).toBe(201);
  expect(Number(answer.headers.get("content-length"))).toBeGreaterThan(100);
});

test("413 for a body that only shows its size while it comes", async () => {
  const { url } = await listening();
  const upload = httpRequest(`${url}/api/sessions/start`, {
    method: "POST",
    headers: { "content-type": "application/json", "transfer-encoding": "chunked" },
  });
  const answered = once(upload, "response");
  for (let sent = 0; sent < 6; sent++) upload.write(Buffer.alloc(256 * 1024, " "));
  upload.end();
  const [answer] = await answered;
  if (!(answer instanceof IncomingMessage)) throw new Error("no answer");
  expect(answer.statusCode).toBe(413);
  expect(problemSchema.parse(JSON.parse(await text(answer))).code).toBe("payload_too_large");
});

test("events arrive while the stream is open, and a client that hangs up frees its source", async () => {
  const { url, sessions } = await listening();
  const session = newSession(projectIdSchema.parse(PROJECT_ID), LOCAL_USER_ID, "active");
  sessions.rows.set(session.id, session);
  const leaving = new AbortController();
  const answer = await fetch(`${url}/api/sessions/${session.id}/events`, { signal: leaving.signal });
  const reader = answer.body?.getReader();
  await reader?.read();
  await vi.waitFor(() => expect(sessions.openStreams).toBe(1));
  sessions.emit(session.id, { type: "log", data: { text: "live" } });
  const { value } = (await reader?.read()) ?? {};
  expect(new TextDecoder().decode(value)).toContain("live");
  leaving.abort();
  await vi.waitFor(() => expect(sessions.openStreams).toBe(0));
});

test("a command ends with the client that asked for it", async () => {
  const { url, sessions } = await listening();
  const begun = Promise.withResolvers<AbortSignal>();
  sessions.exec = (_caller, _id, _command, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      begun.resolve(signal);
    });
  const leaving = new AbortController();
  const answer = fetch(`${url}/api/sessions/${PROJECT_ID}/exec`, {
    method: "POST",
    body: JSON.stringify({ command: ["sleep", "60"] }),
    headers: { "content-type": "application/json" },
    signal: leaving.signal,
  });
  const signal = await begun.promise;
  leaving.abort();
  await expect(answer).rejects.toThrow();
  await vi.waitFor(() => expect(signal.aborted).toBe(true));
});

test.each([
  ["a backslash in the path", "GET /\\evil HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 400],
  ["a Host that is no host", "GET /api/sessions HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400],
  ["no Host at all", "GET /api/sessions HTTP/1.0\r\n\r\n", 400],
  [
    "an absolute form naming another host",
    "GET http://evil.test/api/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    403,
  ],
  [
    "a double slash that looks like a host",
    "GET //evil.test/api/sessions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    404,
  ],
])("%s is a problem, not a crash", async (_name, text, status) => {
  const { port } = await listening();
  const answer = await raw(port, text);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain("application/problem+json");
});
