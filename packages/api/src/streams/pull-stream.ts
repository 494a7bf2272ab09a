import type { Clock } from "@velocity/core";
import type { OpenStream } from "./stream-registry.ts";

export interface PullStreamOptions<T> {
  readonly source: AsyncIterable<T>;
  readonly stream: OpenStream;
  readonly encode: (item: T) => string;
  /** Sent first, so that the client sees the stream open. */
  readonly preamble?: string;
  /** Sent whenever nothing else was for `everyMs`, so that proxies keep the connection. */
  readonly keepAlive?: { readonly everyMs: number; readonly text: string; readonly clock: Clock };
  /** What the client is told when the source fails; the stream then ends. */
  readonly failure: (error: unknown) => string;
  readonly onEnd: () => void;
}

/**
 * An async iterable as a response body. It asks for the next item only when the client took the last one, so that a slow
 * client slows its source and nothing piles up here; it ends with the source, the client or the server.
 */
export function pullStream<T>(options: PullStreamOptions<T>): ReadableStream<Uint8Array> {
  const { source, stream, encode, keepAlive } = options;
  const text = new TextEncoder();
  const iterator = source[Symbol.asyncIterator]();
  let asking = false;
  let arrived: Turn<T> | undefined;
  let wake: ((turn: Turn<T>) => void) | undefined;
  let ended = false;

  const end = () => {
    if (ended) return;
    ended = true;
    stream.close();
    wake?.({ kind: "end" });
    // A source that is waiting for its next item ends by the signal; return() is for those between two items.
    void Promise.resolve(iterator.return?.()).catch(() => {});
    options.onEnd();
  };
  const ask = () => {
    if (asking) return;
    asking = true;
    void nextTurn(iterator).then((turn) => {
      arrived = turn;
      wake?.(turn);
    });
  };
  /** What happens next: an item, the end, or nothing for a while. One waiter at a time, so that nothing accumulates. */
  const turn = async (): Promise<Turn<T>> => {
    ask();
    const lapse = new AbortController();
    try {
      return await new Promise((resolve) => {
        wake = resolve;
        if (ended) resolve({ kind: "end" });
        else if (arrived !== undefined) resolve(arrived);
        else if (keepAlive !== undefined)
          keepAlive.clock.sleep(keepAlive.everyMs, lapse.signal).then(
            () => resolve({ kind: "idle" }),
            () => {},
          );
      });
    } finally {
      wake = undefined;
      lapse.abort();
    }
  };
  // Nobody may pull any more when the client has left: the end is also reached without a reader.
  if (stream.signal.aborted) end();
  else stream.signal.addEventListener("abort", end, { once: true });

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (options.preamble !== undefined) controller.enqueue(text.encode(options.preamble));
      },
      async pull(controller) {
        const next = await turn();
        if (next.kind === "idle") {
          controller.enqueue(text.encode(keepAlive?.text ?? ""));
          return;
        }
        asking = false;
        arrived = undefined;
        if (next.kind === "item") {
          controller.enqueue(text.encode(encode(next.item)));
          return;
        }
        if (next.kind === "failed") controller.enqueue(text.encode(options.failure(next.error)));
        controller.close();
        end();
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}

type Turn<T> =
  | { readonly kind: "item"; readonly item: T }
  | { readonly kind: "end" }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "idle" };

async function nextTurn<T>(iterator: AsyncIterator<T>): Promise<Turn<T>> {
  try {
    const result = await iterator.next();
    return result.done === true ? { kind: "end" } : { kind: "item", item: result.value };
  } catch (error) {
    return { kind: "failed", error };
  }
}
