import { z } from "zod";
import { ERRORS, type ErrorCode, type VelocityError } from "./errors.ts";

/** RFC 9457 body of every error answer. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problemSchema>;

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
