import { ERRORS, toProblem, type VelocityError } from "@velocity/contract";

/** Used where an error asks for a pause without naming one. */
const DEFAULT_RETRY_AFTER_MS = 5_000;

/** An error as its RFC 9457 answer. 429 and 503 always say when to come back. */
export function problemResponse(
  error: VelocityError,
  at: { readonly path: string; readonly requestId: string },
): Response {
  const problem = toProblem(error, { instance: at.path, requestId: at.requestId });
  const headers = new Headers({ "content-type": "application/problem+json", "cache-control": "no-store" });
  if (error.retryAfterMs !== undefined || problem.status === 429 || problem.status === 503) {
    const afterMs = error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS;
    headers.set("retry-after", String(Math.max(1, Math.ceil(afterMs / 1000))));
  }
  if (problem.status === 401) headers.set("www-authenticate", 'Bearer realm="velocity"');
  const allow = error.code === "method_not_allowed" ? error.context.allow : undefined;
  if (typeof allow === "string") headers.set("allow", allow);
  return new Response(JSON.stringify(problem), { status: ERRORS[error.code].status, headers });
}
