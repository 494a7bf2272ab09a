import { createHash } from "node:crypto";
import { VelocityError } from "@velocity/contract";
import type { Clock, IdempotencyStore } from "@velocity/core";
import type { MiddlewareHandler } from "hono";
import { z } from "zod";
import type { ApiEnv } from "../deps.ts";

const MAX_KEY_LENGTH = 200;
const MAX_KEPT_BYTES = 1024 * 1024;
const BUSY_RETRY_AFTER_MS = 1_000;
const KEPT_HEADERS = ["content-type", "location", "etag"] as const;
const MUTATIONS = new Set(["POST", "PUT", "PATCH", "DELETE"]);

const keptSchema = z.object({ headers: z.record(z.string(), z.string()), body: z.string() });

/**
 * `Idempotency-Key` on mutations: the same request of the same user under the same key is carried out once, and its
 * answer repeated. What may turn out differently next time (5xx, 429) is not kept. Runs after the body was read.
 */
export function idempotency(deps: {
  readonly store: IdempotencyStore;
  readonly clock: Clock;
}): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    const key = c.req.header("idempotency-key");
    if (key === undefined || !MUTATIONS.has(c.req.method)) return next();
    if (!/^[\x21-\x7e]+$/.test(key) || key.length > MAX_KEY_LENGTH)
      throw new VelocityError(
        "bad_request",
        `Idempotency-Key must be 1 to ${MAX_KEY_LENGTH} visible ASCII characters.`,
      );
    const { userId } = c.get("caller");
    const fingerprint = await fingerprintOf(c.req);
    const begun = await deps.store.begin(key, userId, fingerprint, deps.clock.now());
    switch (begun.kind) {
      case "mismatch":
        throw new VelocityError("conflict", "This Idempotency-Key was used for a different request.");
      case "busy":
        throw new VelocityError("conflict", "The first request with this Idempotency-Key is still running.", {
          retryAfterMs: BUSY_RETRY_AFTER_MS,
        });
      case "done":
        return replay(begun.status, begun.body);
      case "fresh":
        break;
    }
    let kept = false;
    try {
      await next();
      const answer = await keepable(c.res);
      if (answer !== null) {
        await deps.store.complete(key, userId, c.res.status, answer);
        kept = true;
      }
    } finally {
      if (!kept) await deps.store.abandon(key, userId);
    }
    return undefined;
  };
}

async function fingerprintOf(req: {
  readonly method: string;
  readonly url: string;
  header(name: string): string | undefined;
  arrayBuffer(): Promise<ArrayBuffer>;
}): Promise<string> {
  const url = new URL(req.url);
  return createHash("sha256")
    .update(JSON.stringify([req.method, url.pathname, url.search, req.header("if-match") ?? null]))
    .update(new Uint8Array(await req.arrayBuffer()))
    .digest("hex");
}

async function keepable(response: Response): Promise<string | null> {
  if (response.status >= 500 || response.status === 429) return null;
  const body = await response.clone().text();
  if (body.length > MAX_KEPT_BYTES) return null;
  const headers: Record<string, string> = {};
  for (const name of KEPT_HEADERS) {
    const value = response.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  return JSON.stringify({ headers, body });
}

function replay(status: number, stored: string): Response {
  const { headers, body } = keptSchema.parse(JSON.parse(stored));
  return new Response(status === 204 || status === 304 ? null : body, {
    status,
    headers: { ...headers, "idempotency-replayed": "true" },
  });
}
