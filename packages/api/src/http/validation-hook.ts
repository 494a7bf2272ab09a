import { type FieldError, VelocityError } from "@velocity/contract";
import type { z } from "zod";

type Target = "json" | "form" | "query" | "param" | "header" | "cookie";
type Result = { readonly target: Target } & (
  | { readonly success: true }
  | { readonly success: false; readonly error: z.ZodError }
);

/** Turns a failed validation into its problem: malformed ids are 400, everything else 422 with the fields named. */
export function validationHook(result: Result): void {
  if (result.success) return;
  const errors = fieldErrors(result.error.issues);
  const idIssue = result.target === "param" ? errors.find((error) => error.path !== "path") : undefined;
  if (idIssue !== undefined)
    throw new VelocityError("invalid_id", "The id in the address is not a UUID.", { errors: [idIssue] });
  if (errors.some((error) => error.path === "cursor"))
    throw new VelocityError("bad_request", "The cursor is not one that this server gave out.", { errors });
  throw new VelocityError("validation", validationDetail(errors), { errors });
}

/** One entry per field, unknown ones named each. Bounded, so that a hostile body cannot blow up its answer. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const issue of issues) {
    if (errors.length >= MAX_ERRORS) break;
    const path = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys.slice(0, MAX_ERRORS - errors.length))
        errors.push({ path: dotted([...path, key]), code: "unknown_field", message: "Unknown field." });
      continue;
    }
    errors.push({ path: dotted(path), code: issue.code, message: sentence(issue.message) });
  }
  return errors;
}

const MAX_ERRORS = 50;
const MAX_PATH_LENGTH = 300;

function dotted(path: readonly string[]): string {
  const joined = path.join(".");
  return joined.length > MAX_PATH_LENGTH ? `${joined.slice(0, MAX_PATH_LENGTH)}…` : joined;
}

function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return text.endsWith(".") ? text : `${text}.`;
}

function validationDetail(errors: readonly FieldError[]): string {
  const first = errors[0];
  if (first === undefined) return "The request is not valid.";
  const where = first.path === "" ? "The body" : `"${first.path}"`;
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return `${where} is not valid: ${first.message}${rest}`;
}
