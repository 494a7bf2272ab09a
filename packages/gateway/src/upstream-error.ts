import { VelocityError } from "@velocity/contract";
import type { ForwardFailure } from "@velocity/edge";

/** What a viewer is told when a container gave no usable answer. Pure. */
export function upstreamError(failure: ForwardFailure): VelocityError {
  if (failure.kind === "refused") return failure.error;
  const { kind, cause } = failure.failure;
  switch (kind) {
    case "dial":
      return new VelocityError("session_unavailable", "The preview is not listening right now.", { cause });
    case "timeout":
      return new VelocityError("upstream_timeout", "The preview did not answer in time.", { cause });
    case "reset":
      return new VelocityError("upstream_invalid", "The preview closed the connection without an answer.", {
        cause,
      });
    case "invalid":
      return new VelocityError("upstream_invalid", "The preview sent an answer that is not valid HTTP.", {
        cause,
      });
  }
}

/** Nothing was sent: another try elsewhere repeats nothing. */
export function isDialFailure(failure: ForwardFailure): boolean {
  if (failure.kind === "refused") return failure.error.code === "session_unavailable";
  return failure.failure.kind === "dial";
}

/** A TCP address that refuses is a server that has not started; a Unix socket that refuses is one that is gone. */
export function merelyRefused(endpoint: string, failure: ForwardFailure): boolean {
  if (endpoint !== "tcp" || failure.kind !== "failed") return false;
  const { cause } = failure.failure;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
