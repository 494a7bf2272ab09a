import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type Endpoint, type ErrorCode, isErrorCode, problemSchema, VelocityError } from "@velocity/contract";
import { connectEndpoint } from "@velocity/edge";

export interface AgentRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  /** Sent as JSON, or as it is. */
  readonly body?: object | Buffer;
  readonly signal: AbortSignal;
  /** How long the agent may stay silent before its answer begins. */
  readonly timeoutMs: number;
}

const MAX_PROBLEM_BYTES = 64 * 1024;
const MAX_MESSAGE_CHARACTERS = 500;
/** What an agent has reason to answer. Any other code from in there is not believed. */
const BELIEVED = new Set<ErrorCode>([
  "bad_request",
  "invalid_json",
  "not_found",
  "method_not_allowed",
  "invalid_state",
  "conflict",
  "payload_too_large",
  "validation",
  "forbidden",
  "disk_full",
  "rate_limited",
  "internal",
]);

/**
 * One call of an agent, over a connection of its own. Resolves with the head of a 2xx answer, whose body the caller has to
 * read or destroy. Throws `session_unavailable` where nobody listens, `upstream_timeout` where nobody answers,
 * `upstream_invalid` for what is not HTTP, and the agent's own code for an error answer.
 */
export async function callAgent(at: Endpoint, call: AgentRequest): Promise<IncomingMessage> {
  call.signal.throwIfAborted();
  const response = await send(connectEndpoint(at), call);
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return response;
  throw await errorOf(response, status);
}

function send(socket: Socket, call: AgentRequest): Promise<IncomingMessage> {
  const body =
    call.body === undefined || Buffer.isBuffer(call.body)
      ? call.body
      : Buffer.from(JSON.stringify(call.body));
  const type = Buffer.isBuffer(call.body) ? "application/octet-stream" : "application/json";
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => fail(new VelocityError("upstream_timeout", "The container's agent did not answer.")),
      call.timeoutMs,
    );
    const onAbort = (): void => fail(call.signal.reason);
    let request: ClientRequest | undefined;
    const fail = (error: unknown): void => {
      clearTimeout(timer);
      reject(error);
      request?.destroy();
      socket.destroy();
    };
    call.signal.addEventListener("abort", onAbort, { once: true });
    socket.once("close", () => call.signal.removeEventListener("abort", onAbort));
    request = httpRequest(
      {
        createConnection: () => socket,
        method: call.method,
        path: call.path,
        headers: {
          host: "agent",
          connection: "close",
          ...(body === undefined ? {} : { "content-type": type, "content-length": body.length }),
        },
      },
      (response) => {
        clearTimeout(timer);
        resolve(response);
      },
    );
    request.on("error", (error) => fail(transportError(error)));
    request.end(body);
  });
}

export function transportError(cause: unknown): unknown {
  if (cause instanceof VelocityError || !(cause instanceof Error)) return cause;
  const code = "code" in cause ? String(cause.code) : "";
  if (["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE"].includes(code)) {
    return new VelocityError("session_unavailable", "The container's agent is not reachable.", { cause });
  }
  return new VelocityError("upstream_invalid", "The container's agent sent an invalid answer.", { cause });
}

/** Reads a whole body of bounded size. */
export async function readAll(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      if (bytes > maxBytes)
        throw new VelocityError("upstream_invalid", "The container's agent sent too much.");
      chunks.push(chunk);
    }
  } catch (error) {
    throw transportError(error);
  }
  if (!response.complete) throw new VelocityError("upstream_invalid", "The container's agent was cut off.");
  return Buffer.concat(chunks, bytes);
}

async function errorOf(response: IncomingMessage, status: number): Promise<VelocityError> {
  const body = await readAll(response, MAX_PROBLEM_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(body.toString("utf8"));
  } catch {
    value = null;
  }
  const problem = problemSchema.safeParse(value);
  if (!problem.success || !isErrorCode(problem.data.code) || !BELIEVED.has(problem.data.code)) {
    return new VelocityError("upstream_invalid", "The container's agent sent an invalid answer.", {
      context: { status },
    });
  }
  const { code, detail, errors } = problem.data;
  return new VelocityError(code, detail.slice(0, MAX_MESSAGE_CHARACTERS), {
    context: { status },
    errors: (errors ?? []).slice(0, 20),
  });
}
