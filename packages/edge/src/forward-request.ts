import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { VelocityError } from "@velocity/contract";
import {
  type Forwarded,
  type RequestFraming,
  requestHead,
  responseHeaders,
  trailerHeaders,
} from "./header-policy.ts";
import type { ResponseHead } from "./response-head.ts";
import type { ResponseSink, UpstreamConnection, UpstreamFailure } from "./upstream-connection.ts";
import type { UpstreamPool } from "./upstream-pool.ts";

export interface ForwardOptions {
  /** Request target towards the container, byte for byte. */
  readonly target: string;
  readonly framing: RequestFraming;
  readonly forwarded: Forwarded;
  /** Value for `frame-ancestors` on documents; null leaves framing alone. */
  readonly frameAncestors: string | null;
  /** How long a client may go on sending a body that nobody needs any more, before its connection ends. */
  readonly lingerMs: number;
  /** Set for a WebSocket handshake. */
  readonly upgrade?: UpgradeHandover;
}

export interface UpgradeHandover {
  readonly socket: Duplex;
  /** Bytes the client sent behind its handshake. */
  readonly head: Buffer;
  /** Both sides switched; the sockets belong to the callee. */
  onSwitched(client: Duplex, upstream: Socket): void;
}

/** Why nothing has been sent to the client: the caller answers, or tries elsewhere. */
export type ForwardFailure =
  | { readonly kind: "refused"; readonly error: VelocityError }
  | { readonly kind: "failed"; readonly failure: UpstreamFailure };

/**
 * Carries one request to a container and its answer back, streaming both ways. Calls `onFailure` only while nothing has
 * been sent to the client; afterwards a broken answer breaks the client's connection, never ends it cleanly.
 */
export function forwardRequest(
  req: IncomingMessage,
  res: ServerResponse,
  pool: UpstreamPool,
  options: ForwardOptions,
  onFailure: (failure: ForwardFailure) => void,
): void {
  new Forwarding(req, res, pool, options, onFailure).start(false);
}

class Forwarding implements ResponseSink {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #pool: UpstreamPool;
  readonly #options: ForwardOptions;
  readonly #onFailure: (failure: ForwardFailure) => void;
  readonly onSwitch?: (head: ResponseHead, socket: Socket, rest: Buffer) => void;
  #connection: UpstreamConnection | null = null;
  #cancel: () => void = noop;
  #head: ResponseHead | null = null;
  #sent = false;
  #over = false;
  #retried = false;
  #pumping = false;

  constructor(
    req: IncomingMessage,
    res: ServerResponse,
    pool: UpstreamPool,
    options: ForwardOptions,
    onFailure: (failure: ForwardFailure) => void,
  ) {
    this.#req = req;
    this.#res = res;
    this.#pool = pool;
    this.#options = options;
    this.#onFailure = onFailure;
    const { upgrade } = options;
    if (upgrade !== undefined)
      this.onSwitch = (head, socket, rest) => this.#switch(upgrade, head, socket, rest);
    res.on("close", this.#onClientClose);
  }

  start(fresh: boolean): void {
    const method = this.#req.method ?? "GET";
    const hasBody = this.#options.framing !== "none";
    const repeatable = (method === "GET" || method === "HEAD") && !hasBody && this.onSwitch === undefined;
    this.#cancel = this.#pool.acquire(fresh || !repeatable, (acquired) => {
      this.#cancel = noop;
      if (this.#over) {
        if (acquired.kind === "connection") acquired.connection.abort();
        return;
      }
      if (acquired.kind === "refused") {
        this.#giveUp({ kind: "refused", error: acquired.error });
        return;
      }
      this.#connection = acquired.connection;
      acquired.connection.exchange(
        requestHead({
          method,
          target: this.#options.target,
          rawHeaders: this.#req.rawHeaders,
          framing: this.#options.framing,
          forwarded: this.#options.forwarded,
          connection: this.onSwitch === undefined ? "keep-alive" : "Upgrade",
        }),
        method,
        hasBody,
        this,
      );
      if (hasBody && acquired.connection.connected) this.#pump();
    });
  }

  onInformational(head: ResponseHead): void {
    // Other interim answers are hints a proxy may drop (RFC 9110, 15.2).
    if (head.status === 100 && this.#req.headers.expect !== undefined && !this.#res.headersSent) {
      this.#res.writeContinue();
    }
  }

  onHead(head: ResponseHead): void {
    this.#head = head;
  }

  onData(piece: Buffer): boolean {
    this.#sendHead();
    if (this.#res.write(piece)) return true;
    this.#res.once("drain", () => this.#connection?.resume());
    return false;
  }

  onFlush(): void {
    if (this.#sent || this.#head === null) return;
    this.#sendHead();
    this.#res.flushHeaders();
  }

  onEnd(last: Buffer | null, trailers: readonly string[]): void {
    this.#sendHead();
    this.#finish();
    if (trailers.length > 0 && this.#req.httpVersionMinor > 0)
      this.#res.addTrailers(trailerHeaders(trailers));
    if (last === null) this.#res.end();
    else this.#res.end(last);
    if (!this.#req.complete) lingerThenEnd(this.#req, this.#options.lingerMs);
  }

  onFailure(failure: UpstreamFailure): void {
    this.#connection = null;
    if (this.#sent) {
      this.#finish();
      abortClient(this.#req, this.#res);
      return;
    }
    this.#head = null;
    const repeatable = failure.kind === "reset" && failure.reused && !failure.received;
    const method = this.#req.method;
    if (
      repeatable &&
      !this.#retried &&
      (method === "GET" || method === "HEAD") &&
      this.#options.framing === "none"
    ) {
      this.#retried = true;
      this.start(true);
      return;
    }
    this.#giveUp({ kind: "failed", failure });
  }

  onDrain(): void {
    if (this.#options.framing === "none" || this.#over) return;
    if (this.#pumping) this.#req.resume();
    else this.#pump();
  }

  #pump(): void {
    this.#pumping = true;
    const chunked = this.#options.framing === "chunked";
    this.#req.on("data", this.#onBody);
    this.#req.once("end", () => {
      if (!this.#over) this.#connection?.end(chunked ? lastChunk(this.#req.rawTrailers) : "");
    });
    // An aborted upload also closes the response; that handler ends the exchange.
    this.#req.on("error", noop);
  }

  readonly #onBody = (piece: Buffer): void => {
    if (this.#over || this.#connection === null) return;
    if (!this.#connection.write(piece, this.#options.framing === "chunked")) this.#req.pause();
  };

  #sendHead(): void {
    if (this.#sent || this.#head === null) return;
    this.#sent = true;
    const head = this.#head;
    this.#res.sendDate = false;
    this.#res.writeHead(
      head.status,
      head.reason,
      responseHeaders(head.rawHeaders, { status: head.status, frameAncestors: this.#options.frameAncestors }),
    );
  }

  #switch(upgrade: UpgradeHandover, head: ResponseHead, socket: Socket, rest: Buffer): void {
    this.#finish();
    const client = upgrade.socket;
    let text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    const headers = responseHeaders(head.rawHeaders, { status: 101, frameAncestors: null });
    for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
    client.write(`${text}\r\n`, "latin1");
    if (rest.length > 0) client.write(rest);
    if (upgrade.head.length > 0) socket.write(upgrade.head);
    upgrade.onSwitched(client, socket);
  }

  #giveUp(failure: ForwardFailure): void {
    this.#finish();
    this.#req.off("data", this.#onBody);
    this.#onFailure(failure);
  }

  #finish(): void {
    this.#over = true;
    this.#connection = null;
    this.#res.off("close", this.#onClientClose);
  }

  readonly #onClientClose = (): void => {
    if (this.#over) return;
    this.#over = true;
    this.#cancel();
    this.#connection?.abort();
    this.#connection = null;
  };
}

/** Breaks the connection so that no client can take what it has for the whole. */
function abortClient(req: IncomingMessage, res: ServerResponse): void {
  // Without framing (HTTP/1.0) a FIN would look like the end of the body; only a reset tells.
  if (req.httpVersionMinor === 0) req.socket.resetAndDestroy();
  else res.destroy();
}

/** A client that is still sending gets time to read its answer, then the connection ends. */
export function lingerThenEnd(req: IncomingMessage, lingerMs: number): void {
  const { socket } = req;
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  const stop = () => {
    clearTimeout(timer);
    socket.off("close", stop);
    req.off("end", stop);
  };
  socket.once("close", stop);
  req.once("end", stop);
  req.resume();
}

function lastChunk(rawTrailers: readonly string[]): string {
  let text = "0\r\n";
  for (const [name, value] of trailerHeaders(rawTrailers)) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

function noop(): void {}
