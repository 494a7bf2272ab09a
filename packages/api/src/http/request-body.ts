import { isUtf8 } from "node:buffer";
import { VelocityError } from "@velocity/contract";
import type { MiddlewareHandler } from "hono";
import type { ApiEnv } from "../deps.ts";
import { unsupportedMediaType } from "./to-velocity-error.ts";

export const MAX_BODY_BYTES = 1024 * 1024;
/** Where files travel. */
export const MAX_FILES_BODY_BYTES = 32 * 1024 * 1024;
/** A whole project, packed. */
export const MAX_ARCHIVE_BODY_BYTES = 64 * 1024 * 1024;
const ARCHIVE = /^\/api\/projects\/[^/]+\/archive$/;

/** How much a request to this path may carry. */
export function bodyLimit(path: string): number {
  if (ARCHIVE.test(path)) return MAX_ARCHIVE_BODY_BYTES;
  return path === "/api/projects" || /^\/api\/projects\/[^/]+\/files(\/|$)/.test(path)
    ? MAX_FILES_BODY_BYTES
    : MAX_BODY_BYTES;
}

/** Bodies under this path are the file (or archive) itself, whatever type they claim. */
export function isRawBody(path: string): boolean {
  return ARCHIVE.test(path) || /^\/api\/projects\/[^/]+\/files\/./.test(path);
}

/**
 * Reads the body once, within its limit, and puts it back for the handlers. An empty body counts as none, so that clients which always name a content type may leave optional bodies out.
 */
export function requestBody(): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const { method } = c.req;
    if (method === "GET" || method === "HEAD" || method === "OPTIONS") return next();
    const encoding = c.req.header("content-encoding");
    if (encoding !== undefined && encoding !== "identity")
      throw unsupportedMediaType("plain bytes, not compressed");
    const body = await readBounded(c.req.raw, bodyLimit(c.req.path));
    const headers = new Headers([...c.req.raw.headers]);
    const raw = isRawBody(c.req.path);
    if (body.byteLength === 0 && !raw) headers.delete("content-type");
    else if (!raw && /^application\/(.+\+)?json\b/i.test(headers.get("content-type") ?? ""))
      requireJson(body);
    c.req.raw = new Request(c.req.url, {
      method,
      headers,
      signal: c.req.raw.signal,
      body: body.byteLength === 0 ? null : body,
    });
    return next();
  };
}

async function readBounded(request: Request, limit: number): Promise<ArrayBuffer> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > limit) throw tooLarge(limit);
  if (request.body === null) return new ArrayBuffer(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > limit) {
      await reader.cancel().catch(() => {});
      throw tooLarge(limit);
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole.buffer;
}

function tooLarge(limit: number): VelocityError {
  return new VelocityError("payload_too_large", `The body may have at most ${limit / 1024 / 1024} MB.`);
}

function requireJson(body: ArrayBuffer): void {
  if (!isUtf8(new Uint8Array(body))) throw new VelocityError("invalid_json", "The body is not valid UTF-8.");
  try {
    JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new VelocityError("invalid_json", `The body is not valid JSON${jsonPosition(error)}.`);
  }
}

/** Only the position is taken from the engine's message: the rest quotes the body. */
function jsonPosition(error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  const at = /at position (\d+)(?: \(line (\d+) column (\d+)\))?/.exec(message);
  if (at !== null)
    return at[2] === undefined ? ` (at position ${at[1]})` : ` (line ${at[2]}, column ${at[3]})`;
  return /end of JSON input|Unterminated/.test(message) ? " (it ends too early)" : "";
}
