import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Identity, type RunSpec, toProblem, VelocityError } from "@velocity/contract";
import type { EventLog } from "../log/event-log.ts";
import type { DevServer } from "../server/dev-server.ts";

export interface ControlContext {
  identity: Identity;
  /** Commands that run now. */
  execs: number;
  readonly workspace: string;
  readonly events: EventLog;
  readonly server: DevServer;
  readonly startedAtMs: number;
  readonly execEnvironment: (own: Record<string, string>, cwd: string) => Record<string, string>;
}

/** What one request is answered by. */
export interface ControlRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  });
  response.end(text);
}

/** Whether a server that runs by `now` must be restarted to run by `next`. How it is waited for makes no difference. */
export function runDiffers(now: RunSpec | null, next: RunSpec): boolean {
  return now === null || essence(now) !== essence(next);
}

function essence(run: RunSpec): string {
  const env = Object.entries(run.env).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([run.command, run.cwd, run.port, run.listen, env]);
}

/** Answers with the error as problem+json; where the answer has begun, the connection is cut instead. */
export function sendProblem(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const known =
    error instanceof VelocityError
      ? error
      : new VelocityError("internal", "The agent failed.", { cause: error });
  const instance = (request.url ?? "").split("?")[0] ?? "";
  const problem = toProblem(known, { instance, requestId: randomUUID() });
  response.setHeader("content-type", "application/problem+json");
  // What is left of a body that was refused is not read.
  if (!request.complete) response.setHeader("connection", "close");
  response.writeHead(problem.status).end(JSON.stringify(problem));
}
