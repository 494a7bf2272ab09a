import type { FieldError, SessionEvent } from "@velocity/contract";
import { VelocityApiError, VelocityNetworkError } from "@velocity/sdk";

/** Why something did not work, ready to be shown. */
export interface PreviewError {
  readonly code: string;
  /** A plain sentence. */
  readonly message: string;
  /** The last lines before it failed; empty where there are none. */
  readonly log: readonly string[];
  readonly errors: readonly FieldError[];
  readonly requestId: string | null;
  readonly retryable: boolean;
}

/** Anything thrown by the SDK (or by the browser) as something that can be shown. */
export function toPreviewError(error: unknown): PreviewError {
  if (error instanceof VelocityApiError) {
    const { code, detail, errors, requestId, retryable } = error;
    return { code, message: detail, log: [], errors, requestId, retryable };
  }
  const network = error instanceof VelocityNetworkError;
  return {
    code: network ? error.code : "unknown",
    message: network ? error.message : "Something unexpected went wrong on this page.",
    log: [],
    errors: [],
    requestId: null,
    retryable: true,
  };
}

/** The error on a session's row, with the log lines that its event carried. */
export function sessionError(
  error: { readonly code: string; readonly message: string },
  event: SessionEvent | null,
): PreviewError {
  const log = event?.data.code === error.code && Array.isArray(event.data.log) ? event.data.log : [];
  return {
    ...error,
    log: log.filter((line) => typeof line === "string"),
    errors: [],
    requestId: null,
    retryable: true,
  };
}
