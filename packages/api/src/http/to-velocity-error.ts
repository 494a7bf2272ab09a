import { VelocityError } from "@velocity/contract";
import { HTTPException } from "hono/http-exception";

/** Any thrown value as an error that may be shown. What we do not know becomes `internal`, without a word of it. */
export function toVelocityError(thrown: unknown): VelocityError {
  if (thrown instanceof VelocityError) return thrown;
  if (thrown instanceof HTTPException) {
    if (thrown.status === 415) return unsupportedMediaType("application/json");
    if (thrown.status < 500) return new VelocityError("bad_request", "The request is malformed.");
  }
  return new VelocityError(
    "internal",
    "Something went wrong on the server. It was logged under this requestId.",
    {
      cause: thrown,
    },
  );
}

/** 415, naming what is wanted. */
export function unsupportedMediaType(wanted: string): VelocityError {
  return new VelocityError("unsupported_media_type", `Send the body as ${wanted}.`);
}
