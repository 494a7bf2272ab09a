import type { Duplex } from "node:stream";

/** Two sockets that carry each other's bytes until both are closed. */
export interface Splice {
  /** Ends both at once. */
  destroy(): void;
}

/**
 * Carries bytes both ways with backpressure. A side that ends may still receive for `halfOpenMs`; an error or close of one
 * side ends the other. Idle connections stay. `onClosed` is called once, when both are gone.
 */
export function spliceSockets(
  client: Duplex,
  upstream: Duplex,
  options: { readonly halfOpenMs: number; readonly onClosed: () => void },
): Splice {
  let open = 2;
  let halfOpen: NodeJS.Timeout | null = null;
  const destroy = () => {
    client.destroy();
    upstream.destroy();
  };
  const onEnd = () => {
    halfOpen ??= setTimeout(destroy, options.halfOpenMs);
  };
  const watch = (side: Duplex, other: Duplex) => {
    side.on("error", destroy);
    side.on("end", onEnd);
    side.on("close", () => {
      open -= 1;
      // What was received before the close is still on its way to the other side.
      if (!other.destroyed) other.end();
      onEnd();
      if (open > 0) return;
      if (halfOpen !== null) clearTimeout(halfOpen);
      options.onClosed();
    });
  };
  watch(client, upstream);
  watch(upstream, client);
  client.pipe(upstream);
  upstream.pipe(client);
  return { destroy };
}
