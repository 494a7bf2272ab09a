/** What a caller has to know about an error, besides its message. */
export interface ErrorRow {
  /** HTTP status that the API answers with. */
  readonly status: number;
  /** Short human title, the same for every occurrence. */
  readonly title: string;
  /** Whether the same request may succeed later without a change. */
  readonly retryable: boolean;
  /** What to do next, in one plain sentence. */
  readonly advice: string;
}

/** Every error code of the product. The compiler completes it; docs and OpenAPI are generated from it. */
export const ERRORS = {
  invalid_json: {
    status: 400,
    title: "Body is not valid JSON",
    retryable: false,
    advice: "Send a JSON body.",
  },
  invalid_id: {
    status: 400,
    title: "Malformed id",
    retryable: false,
    advice: "Ids are UUIDs; check the address.",
  },
  bad_request: { status: 400, title: "Malformed request", retryable: false, advice: "Correct the request." },
  unauthorized: {
    status: 401,
    title: "Sign-in needed",
    retryable: false,
    advice: "Send a valid API key or token.",
  },
  forbidden: {
    status: 403,
    title: "Not allowed",
    retryable: false,
    advice: "Ask someone with the right role.",
  },
  not_found: { status: 404, title: "Not found", retryable: false, advice: "Check the id; it may be gone." },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    retryable: false,
    advice: "See the Allow header.",
  },
  invalid_state: {
    status: 409,
    title: "Not possible in this state",
    retryable: false,
    advice: "See the state in the detail.",
  },
  conflict: {
    status: 409,
    title: "Conflict",
    retryable: false,
    advice: "Read the current version and try again.",
  },
  payload_too_large: { status: 413, title: "Too large", retryable: false, advice: "Send less at once." },
  unsupported_media_type: {
    status: 415,
    title: "Unsupported media type",
    retryable: false,
    advice: "Send application/json.",
  },
  wrong_container: {
    status: 421,
    title: "Wrong container",
    retryable: true,
    advice: "Resolve the route again.",
  },
  validation: {
    status: 422,
    title: "Validation failed",
    retryable: false,
    advice: "Correct the fields listed in errors.",
  },
  unsafe_archive: {
    status: 422,
    title: "Archive refused",
    retryable: false,
    advice: "Pack only plain files and folders, within the limits named in the detail.",
  },
  headers_too_large: {
    status: 431,
    title: "Too many headers",
    retryable: false,
    advice: "Send fewer headers; clear the cookies of this site.",
  },
  quota: { status: 429, title: "Quota reached", retryable: true, advice: "Stop another session first." },
  rate_limited: { status: 429, title: "Too many requests", retryable: true, advice: "Wait for Retry-After." },
  internal: {
    status: 500,
    title: "Internal error",
    retryable: true,
    advice: "Try again; report the requestId if it stays.",
  },
  driver_failed: {
    status: 502,
    title: "Container engine failed",
    retryable: true,
    advice: "Try again; see the server's log.",
  },
  upstream_invalid: {
    status: 502,
    title: "Preview sent an invalid response",
    retryable: true,
    advice: "Look at the preview's log.",
  },
  start_failed: {
    status: 502,
    title: "Session could not be started",
    retryable: true,
    advice: "Try again; see the server's log.",
  },
  driver_unavailable: {
    status: 503,
    title: "Container engine unavailable",
    retryable: true,
    advice: "Check the engine, then try again.",
  },
  database_unavailable: {
    status: 503,
    title: "Database unavailable",
    retryable: true,
    advice: "Check the database, then try again.",
  },
  no_capacity: { status: 503, title: "No capacity", retryable: true, advice: "Try again in a moment." },
  disk_full: {
    status: 503,
    title: "Disk is full",
    retryable: true,
    advice: "Free some space, then try again.",
  },
  session_unavailable: {
    status: 503,
    title: "Preview is not running",
    retryable: true,
    advice: "Open its page or resume it.",
  },
  shutting_down: {
    status: 503,
    title: "Server is shutting down",
    retryable: true,
    advice: "Try again in a moment.",
  },
  upstream_timeout: {
    status: 504,
    title: "Preview did not answer",
    retryable: true,
    advice: "Look at the preview's log.",
  },
  operation_timeout: { status: 504, title: "Operation took too long", retryable: true, advice: "Try again." },
  install_failed: {
    status: 502,
    title: "Dependencies could not be installed",
    retryable: false,
    advice: "Correct package.json or the lockfile; the log says why.",
  },
  git_failed: {
    status: 502,
    title: "Repository could not be fetched",
    retryable: false,
    advice: "Check the address, the branch and that the repository is public.",
  },
  server_exited: {
    status: 502,
    title: "Dev server exited",
    retryable: false,
    advice: "Correct the project; it starts again on the next change.",
  },
  server_not_listening: {
    status: 504,
    title: "Dev server never listened",
    retryable: false,
    advice: "Set command and port in velocity.json.",
  },
  directory_not_found: {
    status: 422,
    title: "Directory does not exist",
    retryable: false,
    advice: "Check the path.",
  },
  directory_not_readable: {
    status: 422,
    title: "Directory cannot be read",
    retryable: false,
    advice: "Check its permissions.",
  },
  port_in_use: {
    status: 503,
    title: "Port is in use",
    retryable: false,
    advice: "Stop the other program or set VELOCITY_PORT.",
  },
  data_dir_locked: {
    status: 503,
    title: "Data folder is in use",
    retryable: false,
    advice: "Stop the other server or set VELOCITY_DATA_DIR.",
  },
  data_dir_newer: {
    status: 503,
    title: "Data folder is of a newer version",
    retryable: false,
    advice: "Update Velocity or set VELOCITY_DATA_DIR.",
  },
  data_dir_unusable: {
    status: 503,
    title: "Data folder cannot be used",
    retryable: false,
    advice: "Check its permissions and free space.",
  },
  config_invalid: {
    status: 500,
    title: "Configuration is invalid",
    retryable: false,
    advice: "Correct the environment variable.",
  },
  sandbox_missing: {
    status: 503,
    title: "No sandbox on this machine",
    retryable: false,
    advice: "Install bubblewrap.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;
/** Whether a string is one of our codes: for values that crossed a process border. */
export function isErrorCode(value: string): value is ErrorCode {
  return Object.hasOwn(ERRORS, value);
}

/** One field of a rejected request. `path` is dotted: `files.0.path`. */
export interface FieldError {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface VelocityErrorOptions {
  /** For operators and logs; never shown to a caller. */
  readonly context?: Readonly<Record<string, unknown>>;
  readonly errors?: readonly FieldError[];
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * The one error type that crosses package borders. `publicMessage` is shown to callers: a plain sentence without
 * host paths, stacks or engine text. Everything else stays in `context` and `cause`.
 */
export class VelocityError extends Error {
  override readonly name = "VelocityError";
  readonly code: ErrorCode;
  readonly publicMessage: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly errors: readonly FieldError[];
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, publicMessage: string, options: VelocityErrorOptions = {}) {
    super(`${code}: ${publicMessage}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.publicMessage = publicMessage;
    this.context = options.context ?? {};
    this.errors = options.errors ?? [];
    this.retryable = ERRORS[code].retryable;
    this.retryAfterMs = options.retryAfterMs;
  }
}
