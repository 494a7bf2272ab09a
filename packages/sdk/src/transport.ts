import { readApiError, VelocityApiError, VelocityNetworkError } from "./api-error.ts";
import { backoffMs, delay } from "./delay.ts";

export type FetchFunction = (input: string, init?: RequestInit) => Promise<Response>;

export interface TransportOptions {
  /** Where the server is, e.g. `http://127.0.0.1:4400`; a path prefix is kept. */
  readonly url: string;
  /** API key or JWT; a function is asked before each request, so that a token can be renewed. */
  readonly token?: string | (() => string | undefined | Promise<string | undefined>) | undefined;
  readonly fetch?: FetchFunction | undefined;
  /** Further tries after a failure that is safe to repeat. Default 2. */
  readonly maxRetries?: number | undefined;
}

export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface Call extends CallOptions {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`; its type is given in `headers`. */
  readonly bytes?: Blob | ArrayBuffer | Uint8Array<ArrayBuffer> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Repeating it does no harm (GET, or a key is sent), so failures on the way are tried again. */
  readonly repeatable?: boolean | undefined;
  /** Statuses outside 2xx that are answers, not errors. */
  readonly accept?: readonly number[] | undefined;
}

/** Sends requests. Knows nothing of what they are about. */
export interface Transport {
  /** Resolves with an answer of 2xx (or an accepted status); throws `VelocityApiError`, `VelocityNetworkError`, or the abort reason. */
  send(call: Call): Promise<Response>;
  /** The body of such an answer. `onResponse` sees status and headers first. */
  json<T>(call: Call, onResponse?: (response: Response) => void): Promise<T>;
}

const RETRY_BASE_MS = 200;
const RETRY_CAP_MS = 5_000;

export function createTransport(options: TransportOptions): Transport {
  const base = options.url.replace(/\/+$/, "");
  const doFetch: FetchFunction = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
  const maxRetries = options.maxRetries ?? 2;

  const once = async (call: Call): Promise<Response> => {
    const token = typeof options.token === "function" ? await options.token() : options.token;
    const init: RequestInit = {
      method: call.method,
      headers: {
        accept: "application/json",
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...call.headers,
      },
      cache: "no-store",
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
      ...(call.bytes === undefined ? {} : { body: call.bytes }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
    let response: Response;
    try {
      response = await doFetch(`${base}${call.path}${queryString(call.query)}`, init);
    } catch (cause) {
      call.signal?.throwIfAborted();
      throw new VelocityNetworkError(base, cause);
    }
    if (response.ok || call.accept?.includes(response.status) === true) return response;
    const error = await readApiError(response);
    call.signal?.throwIfAborted();
    throw error;
  };

  const send = async (call: Call): Promise<Response> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await once(call);
      } catch (error) {
        const waitMs = call.repeatable === true ? retryDelayMs(error, attempt) : null;
        if (waitMs === null || attempt >= maxRetries) throw error;
        await delay(waitMs, call.signal);
      }
    }
  };

  return {
    send,
    async json<T>(call: Call, onResponse?: (response: Response) => void): Promise<T> {
      const response = await send(call);
      onResponse?.(response);
      try {
        // The server's answers follow the contract it was built from; checking them again would put zod in every page.
        return (await response.json()) as T;
      } catch (cause) {
        call.signal?.throwIfAborted();
        if (cause instanceof SyntaxError) throw unexpectedAnswer(response);
        throw new VelocityNetworkError(base, cause);
      }
    },
  };
}

/**
 * How long to wait before the same request is sent again; null: do not. What the server decided about the request
 * itself (a failed start, a quota) is for the caller; only "nobody answered" and "not now" are repeated.
 */
export function retryDelayMs(error: unknown, attempt: number): number | null {
  if (error instanceof VelocityNetworkError) return backoffMs(attempt, RETRY_BASE_MS, RETRY_CAP_MS);
  if (!(error instanceof VelocityApiError)) return null;
  const fromProxy = error.code === "unexpected_answer" && error.status >= 502 && error.status <= 504;
  const stillRunning = error.status === 409 && error.retryAfterMs !== null;
  if (error.code === "shutting_down" || error.code === "database_unavailable" || fromProxy || stillRunning) {
    return Math.min(RETRY_CAP_MS, error.retryAfterMs ?? backoffMs(attempt, RETRY_BASE_MS, RETRY_CAP_MS));
  }
  return null;
}

function unexpectedAnswer(response: Response): VelocityApiError {
  return new VelocityApiError({
    code: "unexpected_answer",
    status: response.status,
    detail: "The server's answer is not JSON. Is this the address of a Velocity server?",
    errors: [],
    requestId: response.headers.get("x-request-id"),
    retryAfterMs: null,
  });
}

function queryString(query: Call["query"]): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value !== undefined) params.append(key, String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}

/** One path segment. */
export function segment(value: string): string {
  return encodeURIComponent(value);
}
