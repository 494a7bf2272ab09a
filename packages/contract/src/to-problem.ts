import { ERRORS, type ErrorCode, type VelocityError } from "./errors.ts";
import type { Problem } from "./problem.ts";

/** Where the docs explain a code. Relative, so that it holds on every installation. */
export function errorDocsPath(code: ErrorCode): string {
  return `/docs/errors#${code}`;
}

/** The public side of an error, as it goes over the wire. */
export function toProblem(error: VelocityError, at: { instance: string; requestId: string }): Problem {
  const row = ERRORS[error.code];
  return {
    type: errorDocsPath(error.code),
    title: row.title,
    status: row.status,
    detail: error.publicMessage,
    instance: at.instance,
    code: error.code,
    requestId: at.requestId,
    ...(error.errors.length > 0 ? { errors: [...error.errors] } : {}),
  };
}
