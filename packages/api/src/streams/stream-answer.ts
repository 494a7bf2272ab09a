import type { Context } from "hono";
import type { ApiEnv } from "../deps.ts";
import { type PullStreamOptions, pullStream } from "./pull-stream.ts";
import type { OpenStream, StreamRegistry } from "./stream-registry.ts";

/**
 * Opens a source and answers with its stream. A source that cannot be opened is an ordinary error answer; HEAD opens it
 * for the status alone.
 */
export async function streamAnswer<T>(
  c: Context<ApiEnv>,
  registry: StreamRegistry,
  contentType: string,
  open: (stream: OpenStream) => Promise<AsyncIterable<T>>,
  options: Omit<PullStreamOptions<T>, "source" | "stream" | "onEnd">,
): Promise<Response> {
  const stream = registry.open(c.get("caller").userId, c.req.raw.signal);
  const headers = {
    "content-type": contentType,
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  };
  try {
    const source = await open(stream);
    const ended = Promise.withResolvers<void>();
    const body = pullStream({ ...options, source, stream, onEnd: () => ended.resolve() });
    if (c.req.method === "HEAD") {
      await body.cancel();
      return new Response(null, { headers });
    }
    c.set("streamEnd", ended.promise);
    return new Response(body, { headers });
  } catch (error) {
    stream.close();
    throw error;
  }
}
