import type { Socket } from "node:net";
import {
  type PreviewHost,
  type ResponseHead,
  type ResponseSink,
  responseHeaders,
  trailerHeaders,
  type UpstreamConnection,
  type UpstreamFailure,
  type UpstreamPool,
} from "@velocity/edge";
import type { GatewayLimits } from "./limits.ts";
import { type PlainRequest, readPlainRequest } from "./plain-request.ts";

/** Where a plain request goes, and how its answer is treated; null: it needs the full path. */
export interface FastRoute {
  readonly pool: UpstreamPool;
  readonly frameAncestors: string;
  readonly proto: "http" | "https";
  /** The request was forwarded: count it as use. */
  used(): void;
}

export interface FastLaneOptions {
  readonly limits: GatewayLimits;
  route(host: PreviewHost, request: PlainRequest): FastRoute | null;
  parse(host: string): PreviewHost;
  /**
   * Takes over a connection whose next bytes have been put back. With a failure, their request was already sent to the
   * container: it is to be answered with that failure, not sent again.
   */
  handOver(socket: Socket, failure: UpstreamFailure | null): void;
}

/**
 * The short way for what nearly all traffic of a preview is: a GET or HEAD without a body, in one piece, for a session that
 * is live and cached. It skips Node's HTTP server (measured: 25 µs a request against 13 µs for the bare socket) and writes
 * head and body at once. Whatever is not plainly that — any other header, state, failure or doubt — goes to Node's server
 * with its bytes put back, for the rest of the connection. So every check and every error answer has one place only.
 */
export class FastLane {
  readonly #options: FastLaneOptions;
  readonly #connections = new Set<FastConnection>();

  constructor(options: FastLaneOptions) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    const connection = new FastConnection(socket, this.#options, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /** Ends the connections that wait for a request; with `all`, also those under way. */
  close(all: boolean): void {
    for (const connection of [...this.#connections]) connection.close(all);
  }
}

const EMPTY = Buffer.alloc(0);
const LAST_CHUNK = "0\r\n";

class FastConnection implements ResponseSink {
  readonly #socket: Socket;
  readonly #options: FastLaneOptions;
  readonly #onGone: () => void;
  /** The request under way, with its bytes for the full path. */
  #request: { readonly plain: PlainRequest; readonly bytes: Buffer; readonly route: FastRoute } | null = null;
  #upstream: UpstreamConnection | null = null;
  #cancel: () => void = noop;
  #head: ResponseHead | null = null;
  #chunked = false;
  #sent = false;
  #draining = false;
  #closing = false;
  #kept = false;

  constructor(socket: Socket, options: FastLaneOptions, onGone: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#onGone = onGone;
    socket.setTimeout(options.limits.headersTimeoutMs);
    socket.on("data", this.#onBytes);
    socket.on("drain", this.#onClientDrain);
    socket.on("timeout", this.#onTimeout);
    socket.on("end", this.#onClientEnd);
    socket.on("error", this.#onClientError);
    socket.on("close", this.#onClientClose);
  }

  close(all: boolean): void {
    this.#closing = true;
    if (all || this.#request === null) this.#socket.destroy();
  }

  onInformational(): void {}

  onHead(head: ResponseHead): void {
    this.#head = head;
  }

  onData(piece: Buffer): boolean {
    const head = this.#takeHead();
    const framed = this.#chunked ? `${head}${piece.length.toString(16)}\r\n` : head;
    this.#socket.cork();
    if (framed !== "") this.#socket.write(framed, "latin1");
    let more = this.#socket.write(piece);
    if (this.#chunked) more = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    this.#draining = !more;
    return more;
  }

  onFlush(): void {
    if (this.#head !== null && !this.#sent) this.#socket.write(this.#takeHead(), "latin1");
  }

  onEnd(last: Buffer | null, trailers: readonly string[]): void {
    let text = this.#takeHead();
    if (this.#chunked) text += lastChunk(trailers);
    if (last === null) {
      if (text !== "") this.#socket.write(text, "latin1");
    } else if (text === "") this.#socket.write(last);
    else {
      // One write instead of a vectored one; the copy of a small body is cheaper than the second segment.
      const whole = Buffer.allocUnsafe(text.length + last.length);
      whole.write(text, 0, "latin1");
      last.copy(whole, text.length);
      this.#socket.write(whole);
    }
    this.#next();
  }

  onFailure(failure: UpstreamFailure): void {
    this.#upstream = null;
    if (this.#sent) {
      this.#socket.destroy();
      return;
    }
    // Never sent, or into a connection that was just being closed: the full path may try, and resolves anew.
    const again =
      failure.kind === "dial" || (failure.kind === "reset" && failure.reused && !failure.received);
    this.#handOver(this.#request?.bytes ?? EMPTY, again ? null : failure);
  }

  onDrain(): void {}

  readonly #onBytes = (bytes: Buffer): void => {
    if (this.#request !== null || this.#socket.writableNeedDrain) {
      // Sent ahead of an answer: put back, and not read before that answer is out and taken.
      this.#socket.pause();
      this.#socket.unshift(bytes);
      return;
    }
    const plain = readPlainRequest(bytes, this.#options.limits.maxHeaderLines);
    const route = plain === null ? null : this.#options.route(this.#options.parse(plain.host), plain);
    if (plain === null || route === null) {
      this.#handOver(bytes, null);
      return;
    }
    this.#request = { plain, bytes, route };
    this.#head = null;
    this.#sent = false;
    this.#chunked = false;
    this.#cancel = route.pool.acquire(false, (acquired) => {
      this.#cancel = noop;
      if (this.#request === null || this.#socket.destroyed) {
        if (acquired.kind === "connection") acquired.connection.abort();
        return;
      }
      if (acquired.kind === "refused") {
        this.#handOver(bytes, null);
        return;
      }
      route.used();
      this.#upstream = acquired.connection;
      const from = this.#socket.remoteAddress ?? "unknown";
      const head = `${plain.head}X-Forwarded-For: ${from}\r\nX-Forwarded-Host: ${plain.host}\r\nX-Forwarded-Proto: ${route.proto}\r\nConnection: keep-alive\r\n\r\n`;
      acquired.connection.exchange(head, plain.method, false, this);
    });
  };

  /** The head as text, once; empty afterwards. */
  #takeHead(): string {
    const head = this.#head;
    const request = this.#request;
    if (this.#sent || head === null || request === null) return "";
    this.#sent = true;
    this.#chunked = head.framing.kind === "chunked" || head.framing.kind === "close";
    const { status, reason } = head;
    const headers = responseHeaders(head.rawHeaders, {
      status,
      frameAncestors: request.route.frameAncestors,
    });
    let text = `HTTP/1.1 ${status} ${reason}\r\n`;
    for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
    if (this.#chunked) text += "Transfer-Encoding: chunked\r\n";
    if (this.#closing) return `${text}Connection: close\r\n\r\n`;
    const seconds = Math.floor(this.#options.limits.clientKeepAliveMs / 1000);
    return `${text}Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n\r\n`;
  }

  #next(): void {
    this.#request = null;
    this.#upstream = null;
    this.#draining = false;
    if (this.#closing) {
      this.#socket.end();
      return;
    }
    if (!this.#kept) {
      this.#kept = true;
      this.#socket.setTimeout(this.#options.limits.clientKeepAliveMs);
    }
    if (this.#socket.isPaused() && !this.#socket.writableNeedDrain) this.#socket.resume();
  }

  /** Gives the connection to Node's server for good. */
  #handOver(bytes: Buffer, failure: UpstreamFailure | null): void {
    const socket = this.#socket;
    this.#request = null;
    socket.off("data", this.#onBytes);
    socket.off("drain", this.#onClientDrain);
    socket.off("timeout", this.#onTimeout);
    socket.off("end", this.#onClientEnd);
    socket.off("error", this.#onClientError);
    socket.off("close", this.#onClientClose);
    this.#onGone();
    if (socket.destroyed || socket.readableEnded) {
      // Nothing can be put back behind its end.
      socket.destroy();
      return;
    }
    socket.pause();
    socket.setTimeout(0);
    if (bytes.length > 0) socket.unshift(bytes);
    this.#options.handOver(socket, failure);
    socket.resume();
  }

  readonly #onClientDrain = (): void => {
    if (this.#request === null) this.#socket.resume();
    if (!this.#draining) return;
    this.#draining = false;
    this.#upstream?.resume();
  };

  readonly #onTimeout = (): void => {
    // A long answer may be silent for as long as it likes; its own limits hold.
    if (this.#request === null) this.#socket.destroy();
  };

  readonly #onClientEnd = (): void => {
    if (this.#request === null) this.#socket.destroy();
    else this.#closing = true;
  };

  readonly #onClientError = (): void => {
    this.#socket.destroy();
  };

  readonly #onClientClose = (): void => {
    this.#request = null;
    this.#cancel();
    this.#upstream?.abort();
    this.#upstream = null;
    this.#onGone();
  };
}

function lastChunk(trailers: readonly string[]): string {
  let text = LAST_CHUNK;
  for (const [name, value] of trailerHeaders(trailers)) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}

function noop(): void {}
