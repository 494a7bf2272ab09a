import { type ErrorCode, VelocityError } from "@velocity/contract";

/** A coded failure passes through; anything else is wrapped, with its cause for the log. */
export function toFailure(error: unknown, code: ErrorCode, message: string): VelocityError {
  return error instanceof VelocityError ? error : new VelocityError(code, message, { cause: error });
}

/** Another operation took the session over; the one that meets this ends without touching anything more. */
export class Superseded extends Error {
  override readonly name = "Superseded";
}

/** This process is leaving; what was under way is left to the next one. */
export class Leaving extends Error {
  override readonly name = "Leaving";
}

/** What a caller is told whose operation ended without a result of its own. */
export function forCaller(error: unknown): VelocityError {
  if (error instanceof Superseded) {
    return new VelocityError("invalid_state", "Another operation took this session over meanwhile.");
  }
  if (error instanceof Leaving) {
    return new VelocityError(
      "shutting_down",
      "The server is shutting down; the session goes on with the next one.",
      {
        retryAfterMs: 2_000,
      },
    );
  }
  return toFailure(error, "internal", "Something went wrong here.");
}
