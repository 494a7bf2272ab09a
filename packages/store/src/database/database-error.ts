import { VelocityError } from "@velocity/contract";

/** Node's codes for a connection that cannot be made or was lost. */
const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
]);

/**
 * SQLSTATEs (and classes) that speak of the server's condition, not of the statement:
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const UNAVAILABLE_STATES = [
  "08", // connection exception
  "28", // invalid authorisation
  "3D000", // no such database
  "25006", // read-only: a standby or a server that is failing over
  "25P03", // idle in transaction time-out
  "53", // insufficient resources: too many connections, out of memory
  "57P", // shutdown, crash, cannot connect now
  "57014", // statement time-out
  "55P03", // lock time-out
  "58", // system error
];

/** `pg` and its pool have no codes for these. */
const CLIENT_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|PGlite is closed)/;

/** Marks of a PGlite that crashed inside and will never answer again. */
const WASM_CRASH = /^(unreachable|Aborted\(|memory access out of bounds|table index is out of bounds)/;

const DISK_FULL = new Set(["53100", "ENOSPC", "EDQUOT"]);

/**
 * The public form of trouble with the database itself: `disk_full` or `database_unavailable`. Everything else (a
 * violated constraint, a mistake in a statement) comes back as it was, because it is ours to correct.
 */
export function toDatabaseError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof VelocityError) return error;
  const code = codeOf(error);
  if (code !== null && DISK_FULL.has(code))
    return new VelocityError("disk_full", "There is no space left for the database.", { cause: error });
  const unavailable =
    (code !== null && (NETWORK_CODES.has(code) || isUnavailableState(code) || isConnectFailure(error))) ||
    CLIENT_MESSAGES.test(error.message) ||
    (error.name === "RuntimeError" && WASM_CRASH.test(error.message));
  if (!unavailable) return error;
  return new VelocityError("database_unavailable", "The database does not answer.", { cause: error });
}

function isUnavailableState(code: string): boolean {
  return code.length === 5 && UNAVAILABLE_STATES.some((state) => code.startsWith(state));
}

/** Any failure of `connect` itself: for a Unix socket also ENOENT and EACCES. */
function isConnectFailure(error: Error): boolean {
  return "syscall" in error && error.syscall === "connect";
}

function codeOf(error: Error): string | null {
  return "code" in error && typeof error.code === "string" ? error.code : null;
}
