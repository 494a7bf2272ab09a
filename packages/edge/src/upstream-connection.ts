import type { Socket } from "node:net";
import { ChunkedDecoder } from "./chunked-decoder.ts";
import { FramingError, parseResponseHead, type ResponseHead } from "./response-head.ts";

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_INFORMATIONAL = 16;
const HEAD_END = Buffer.from("\r\n\r\n");
const NO_TRAILERS: readonly string[] = [];

/** Why an exchange has no (complete) answer. */
export interface UpstreamFailure {
  /** `dial`: nothing was sent. `invalid`: it broke the protocol. `reset`: it went away. `timeout`: it stayed silent. */
  readonly kind: "dial" | "invalid" | "timeout" | "reset";
  /** Any byte of an answer had arrived. */
  readonly received: boolean;
  /** The connection had carried an earlier exchange, so that its end may be an idle close that crossed the request. */
  readonly reused: boolean;
  readonly cause: unknown;
}

/** Receives one answer: informational heads, one head, pieces, then exactly one of `onEnd` and `onFailure`. */
export interface ResponseSink {
  onInformational(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  /** False asks the connection to pause until `resume`. */
  onData(piece: Buffer): boolean;
  /** `last` saves a write where the end is known with the last piece. */
  onEnd(last: Buffer | null, trailers: readonly string[]): void;
  onFailure(failure: UpstreamFailure): void;
  /** The bytes at hand are used up before the end: a head not yet sent must not wait for them. */
  onFlush(): void;
  /** The request body may be written, again or for the first time. */
  onDrain(): void;
  /** The protocol switch that was asked for: the socket is the sink's from here. Without it a 101 is `invalid`. */
  readonly onSwitch?: (head: ResponseHead, socket: Socket, rest: Buffer) => void;
}

export interface ConnectionOwner {
  /** The exchange is over and the connection may carry another one. */
  onIdle(connection: UpstreamConnection): void;
  onClosed(connection: UpstreamConnection): void;
  now(): number;
}

export interface ConnectionTimeouts {
  readonly dialMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
}

/**
 * One HTTP/1.1 client connection that carries exchanges one after the other. The head of an answer is parsed once and
 * strictly; its body is handed on piece by piece and never collected. Has no timer of its own: the owner calls `expire`.
 */
export class UpstreamConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #timeouts: ConnectionTimeouts;
  #connected = false;
  #closed = false;
  #sink: ResponseSink | null = null;
  #method = "GET";
  #requestOpen = false;
  #exchanges = 0;
  #informational = 0;
  #received = false;
  #pending: Buffer | null = null;
  #head: ResponseHead | null = null;
  #left = 0;
  #decoder: ChunkedDecoder | null = null;
  #idleMs: number;
  #deadline: number;

  constructor(socket: Socket, owner: ConnectionOwner, timeouts: ConnectionTimeouts) {
    this.#socket = socket;
    this.#owner = owner;
    this.#timeouts = timeouts;
    this.#idleMs = timeouts.idleMs;
    this.#deadline = owner.now() + timeouts.dialMs;
    socket.on("connect", () => this.#onConnect());
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("drain", () => this.#sink?.onDrain());
    socket.on("end", () => this.#onFin());
    socket.on("error", (error) => this.#fail(this.#connected ? "reset" : "dial", error));
    socket.on("close", () => this.#fail(this.#connected ? "reset" : "dial", new Error("closed")));
  }

  /** Sends a request head. With `hasBody`, `write` and `end` follow. The connection must be new or idle. */
  exchange(head: string, method: string, hasBody: boolean, sink: ResponseSink): void {
    this.#sink = sink;
    this.#method = method;
    this.#requestOpen = hasBody;
    this.#exchanges++;
    this.#informational = 0;
    this.#received = false;
    this.#head = null;
    this.#decoder = null;
    if (this.#connected) this.#deadline = this.#answerDeadline();
    this.#socket.write(head, "latin1");
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** A piece of request body; false: wait for `onDrain`. */
  write(piece: Buffer, chunked: boolean): boolean {
    if (!chunked) return this.#socket.write(piece);
    this.#socket.cork();
    this.#socket.write(`${piece.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(piece);
    const more = this.#socket.write("\r\n", "latin1");
    this.#socket.uncork();
    return more;
  }

  /** The request is complete: from now on an answer is due. `coda` ends a chunked body. */
  end(coda: string): void {
    if (coda !== "") this.#socket.write(coda, "latin1");
    this.#requestOpen = false;
    if (this.#connected && !this.#received) this.#deadline = this.#answerDeadline();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Drops the connection; the sink hears nothing more. */
  abort(): void {
    this.#sink = null;
    this.#close();
  }

  /** Drops the connection; the sink hears of it. */
  destroy(): void {
    this.#fail("reset", new Error("dropped"));
  }

  /** Ends what is past its time. */
  expire(now: number): void {
    if (now < this.#deadline || this.#closed) return;
    if (this.#sink === null) this.#close();
    else this.#fail(this.#connected ? "timeout" : "dial", new Error("no answer in time"));
  }

  #answerDeadline(): number {
    return this.#requestOpen ? Number.POSITIVE_INFINITY : this.#owner.now() + this.#timeouts.firstByteMs;
  }

  #onConnect(): void {
    this.#connected = true;
    this.#deadline = this.#answerDeadline();
    if (this.#requestOpen) this.#sink?.onDrain();
  }

  #onData(chunk: Buffer): void {
    if (this.#sink === null) {
      // Bytes nobody asked for would become the answer to the next request.
      this.#close();
      return;
    }
    this.#received = true;
    try {
      let body: Buffer | null = chunk;
      while (this.#head === null && body !== null) body = this.#readHead(body);
      if (body !== null && this.#sink !== null) this.#readBody(body);
      this.#sink?.onFlush();
    } catch (error) {
      if (!(error instanceof FramingError)) throw error;
      this.#fail("invalid", error);
    }
  }

  /** Consumes head bytes; answers what follows the head, null where it is not complete yet. */
  #readHead(chunk: Buffer): Buffer | null {
    const data = this.#pending === null ? chunk : Buffer.concat([this.#pending, chunk]);
    const end = data.indexOf(HEAD_END);
    if (end === -1 || end > MAX_HEAD_BYTES) {
      if (data.length > MAX_HEAD_BYTES) throw new FramingError("head too long");
      this.#pending = data.length === 0 ? null : data;
      return null;
    }
    this.#pending = null;
    const head = parseResponseHead(data.toString("latin1", 0, end), this.#method);
    const rest = data.subarray(end + 4);
    if (head.status < 200) {
      if (head.status === 101) {
        this.#switch(head, rest);
        return null;
      }
      if (++this.#informational > MAX_INFORMATIONAL) throw new FramingError("too many interim answers");
      this.#sink?.onInformational(head);
      return rest.length === 0 ? null : rest;
    }
    this.#head = head;
    this.#deadline = Number.POSITIVE_INFINITY;
    if (head.keepAliveMs !== null) {
      // A second of margin: the upstream must never close while our next request is on its way.
      this.#idleMs = Math.min(this.#timeouts.idleMs, Math.max(0, head.keepAliveMs - 1000));
    }
    if (head.framing.kind === "length") this.#left = head.framing.length;
    if (head.framing.kind === "chunked") this.#decoder = new ChunkedDecoder();
    this.#sink?.onHead(head);
    return rest;
  }

  #switch(head: ResponseHead, rest: Buffer): void {
    const sink = this.#sink;
    if (sink?.onSwitch === undefined) throw new FramingError("unasked protocol switch");
    this.#sink = null;
    this.#closed = true;
    for (const event of ["connect", "data", "drain", "end", "error", "close"]) {
      this.#socket.removeAllListeners(event);
    }
    this.#socket.pause();
    sink.onSwitch(head, this.#socket, rest);
    this.#owner.onClosed(this);
  }

  #readBody(data: Buffer): void {
    const sink = this.#sink;
    if (sink === null || this.#head === null) return;
    switch (this.#head.framing.kind) {
      case "none":
        this.#finish(null, NO_TRAILERS, data.length === 0);
        return;
      case "length": {
        if (data.length === 0) return;
        if (data.length < this.#left) {
          this.#left -= data.length;
          if (!sink.onData(data)) this.#socket.pause();
          return;
        }
        const clean = data.length === this.#left;
        this.#finish(clean ? data : data.subarray(0, this.#left), NO_TRAILERS, clean);
        return;
      }
      case "chunked": {
        const decoder = this.#decoder;
        if (decoder === null) return;
        let flowing = true;
        const used = decoder.push(data, (piece) => {
          if (this.#sink !== null && !sink.onData(piece)) flowing = false;
        });
        if (this.#sink === null) return;
        if (decoder.done) this.#finish(null, decoder.trailers, used === data.length);
        else if (!flowing) this.#socket.pause();
        return;
      }
      case "close":
        if (data.length > 0 && !sink.onData(data)) this.#socket.pause();
    }
  }

  #finish(last: Buffer | null, trailers: readonly string[], clean: boolean): void {
    const sink = this.#sink;
    const reusable = clean && !this.#requestOpen && this.#head?.keepAlive === true && this.#idleMs > 0;
    this.#sink = null;
    this.#head = null;
    if (reusable) this.#deadline = this.#owner.now() + this.#idleMs;
    else this.#close();
    sink?.onEnd(last, trailers);
    if (reusable && !this.#closed) {
      this.#socket.resume();
      this.#owner.onIdle(this);
    }
  }

  #onFin(): void {
    if (this.#sink !== null && this.#head?.framing.kind === "close") this.#finish(null, NO_TRAILERS, false);
    else if (this.#sink !== null) this.#fail("reset", new Error("ended early"));
    else this.#close();
  }

  #fail(kind: UpstreamFailure["kind"], cause: unknown): void {
    if (this.#closed) return;
    const sink = this.#sink;
    this.#sink = null;
    this.#closed = true;
    this.#pending = null;
    this.#socket.destroy();
    // Before the owner hears of it: a sink that tries again at once keeps its pool from running empty.
    sink?.onFailure({ kind, received: this.#received, reused: this.#exchanges > 1, cause });
    this.#owner.onClosed(this);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pending = null;
    this.#socket.destroy();
    this.#owner.onClosed(this);
  }
}
