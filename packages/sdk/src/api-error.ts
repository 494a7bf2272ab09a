import type { ErrorCode, FieldError } from "@velocity/contract";
import { ERRORS } from "@velocity/contract/errors";

/** Our own codes, `unexpected_answer` for an answer that is not of this API, or a code of a newer server. */
export type ApiErrorCode = ErrorCode | "unexpected_answer" | (string & {});

export interface ApiErrorFields {
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string | null;
  /** From `Retry-After`, in milliseconds; null where the server named none. */
  readonly retryAfterMs: number | null;
}

/** The server answered, and the answer is an error. `detail` is a plain sentence that may be shown to people. */
export class VelocityApiError extends Error {
  override readonly name = "VelocityApiError";
  readonly code: ApiErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly errors: readonly FieldError[];
  readonly requestId: string | null;
  readonly retryAfterMs: number | null;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;

  constructor(fields: ApiErrorFields) {
    super(`${fields.code}: ${fields.detail}`);
    this.code = fields.code;
    this.status = fields.status;
    this.detail = fields.detail;
    this.errors = fields.errors;
    this.requestId = fields.requestId;
    this.retryAfterMs = fields.retryAfterMs;
    this.retryable = isRetryable(fields.code, fields.status);
  }
}

/** No answer arrived: the server is down, unreachable, or the connection broke. Always worth another try. */
export class VelocityNetworkError extends Error {
  override readonly name = "VelocityNetworkError";
  readonly code = "network_error";
  readonly retryable = true;

  constructor(url: string, cause: unknown) {
    super(`The Velocity server at ${url} could not be reached.`, { cause });
  }
}

function isRetryable(code: string, status: number): boolean {
  if (Object.hasOwn(ERRORS, code)) return ERRORS[code as ErrorCode].retryable;
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

/** Reads an error answer, whoever sent it: a proxy in front may answer with a page of its own. Never throws. */
export async function readApiError(response: Response): Promise<VelocityApiError> {
  const body = await readProblemBody(response);
  return new VelocityApiError({
    code: text(body.code) ?? "unexpected_answer",
    status: response.status,
    detail: text(body.detail) ?? text(body.title) ?? `The server answered with status ${response.status}.`,
    errors: fieldErrors(body.errors),
    requestId: text(body.requestId) ?? response.headers.get("x-request-id"),
    retryAfterMs: parseRetryAfter(response.headers.get("retry-after"), Date.now()),
  });
}

async function readProblemBody(response: Response): Promise<Readonly<Record<string, unknown>>> {
  if (!(response.headers.get("content-type") ?? "").includes("json")) {
    await response.body?.cancel().catch(() => undefined);
    return {};
  }
  try {
    const body: unknown = await response.json();
    return isRecord(body) ? body : {};
  } catch {
    return {};
  }
}

/** RFC 9110: seconds, or an HTTP date. Null where it is absent or unreadable. */
export function parseRetryAfter(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000;
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs);
}

function fieldErrors(value: unknown): readonly FieldError[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isRecord).map((row) => ({
    path: text(row.path) ?? "",
    code: text(row.code) ?? "",
    message: text(row.message) ?? "",
  }));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
