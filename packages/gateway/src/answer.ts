import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ERRORS, GATEWAY_ERROR_HEADER, toProblem, type VelocityError } from "@velocity/contract";
import { lingerThenEnd } from "@velocity/edge";
import { errorPage } from "./error-page.ts";

/** How the gateway's own answers are given. */
export interface Answering {
  /** HTML for a person, problem+json for everything else. */
  readonly document: boolean;
  /** Who may frame our pages: the same as for previews. */
  readonly frameAncestors: string;
  readonly lingerMs: number;
  /** End the connection: its framing cannot be trusted. */
  readonly close?: boolean;
}

const DEFAULT_RETRY_SECONDS = 1;

/** Answers an error: the same body whatever was asked, apart from the request id. */
export function answerError(
  req: IncomingMessage,
  res: ServerResponse,
  error: VelocityError,
  how: Answering,
): void {
  const row = ERRORS[error.code];
  const requestId = randomUUID();
  const body = how.document
    ? errorPage(error, requestId)
    : JSON.stringify(toProblem(error, { instance: `urn:uuid:${requestId}`, requestId }));
  const headers: Record<string, string> = { [GATEWAY_ERROR_HEADER]: error.code };
  if (error.code === "method_not_allowed") headers.allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
  if (row.status === 503 || row.status === 429) headers["retry-after"] = retryAfter(error.retryAfterMs);
  answer(req, res, row.status, how.document ? HTML : "application/problem+json", body, headers, how);
}

/** Answers one of our pages or documents; nothing of ours is ever cached. */
export function answer(
  req: IncomingMessage,
  res: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  how: Answering,
): void {
  if (res.headersSent || res.destroyed) return;
  const bytes = Buffer.from(body);
  res.writeHead(status, {
    ...headers,
    ...(type === HTML ? { "content-security-policy": policy(how.frameAncestors) } : {}),
    ...(how.close === true ? { connection: "close" } : {}),
    "content-type": type,
    "content-length": bytes.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  res.end(req.method === "HEAD" ? undefined : bytes);
  if (how.close === true || !req.complete) lingerThenEnd(req, how.lingerMs);
}

export const HTML = "text/html; charset=utf-8";

function policy(frameAncestors: string): string {
  return `default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors ${frameAncestors}`;
}

function retryAfter(ms: number | undefined): string {
  return String(ms === undefined ? DEFAULT_RETRY_SECONDS : Math.max(1, Math.ceil(ms / 1000)));
}
