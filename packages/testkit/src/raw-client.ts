import { connect, type Socket } from "node:net";

/** One HTTP/1.1 answer as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  readonly reason: string;
  /** Lower-case names; repeated lines in order. */
  readonly headers: readonly (readonly [string, string])[];
  header(name: string): string | undefined;
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: readonly (readonly [string, string])[];
}

export interface RawClientOptions {
  readonly port: number;
  readonly host?: string;
  /** A test that waits longer than this fails. */
  readonly timeoutMs?: number;
}

/**
 * A raw TCP connection for hostile input: writes exactly the given bytes and reads answers one by one. Never repairs,
 * retries or reuses anything by itself. The test calls `destroy`.
 */
export class RawClient {
  readonly socket: Socket;
  readonly #timeoutMs: number;
  #buffer: Buffer = Buffer.alloc(0);
  #ended = false;
  #error: Error | null = null;
  #closed = false;
  #wake: () => void = noop;

  private constructor(socket: Socket, timeoutMs: number) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.on("data", (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    socket.on("error", (error) => {
      this.#error = error;
      this.#wake();
    });
    socket.on("close", () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static async open(options: RawClientOptions): Promise<RawClient> {
    const socket = connect({ host: options.host ?? "127.0.0.1", port: options.port, allowHalfOpen: true });
    const client = new RawClient(socket, options.timeoutMs ?? 10_000);
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return client;
  }

  /** Strings are written as latin1: one character, one byte. */
  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** The next final answer; interim ones are skipped. `method` HEAD has no body. */
  async response(method = "GET"): Promise<RawResponse> {
    for (;;) {
      const answer = await this.#one(method);
      if (answer.status >= 200 || answer.status === 101) return answer;
    }
  }

  /** The next answer, be it interim. */
  interim(method = "GET"): Promise<RawResponse> {
    return this.#one(method);
  }

  /** At least `count` raw bytes, taken from the stream. */
  async take(count: number): Promise<Buffer> {
    await this.#until(() => this.#buffer.length >= count);
    return this.#consume(count);
  }

  /** How the connection ended: a clean end, a reset, or with bytes left over. */
  async closed(): Promise<{ how: "end" | "error"; rest: Buffer }> {
    await this.#wait(() => this.#ended || this.#closed || this.#error !== null);
    return { how: this.#error === null && this.#ended ? "end" : "error", rest: this.#buffer };
  }

  /** Whether the other side has ended the connection. */
  get isClosed(): boolean {
    return this.#ended || this.#closed;
  }

  destroy(): void {
    this.socket.destroy();
  }

  async #one(method: string): Promise<RawResponse> {
    await this.#until(() => this.#buffer.includes("\r\n\r\n"));
    const end = this.#buffer.indexOf("\r\n\r\n");
    const head = this.#consume(end + 4).toString("latin1", 0, end);
    const [line = "", ...lines] = head.split("\r\n");
    const match = /^HTTP\/1\.[01] (\d{3}) ?(.*)$/.exec(line);
    if (match === null) throw new Error(`no status line: ${JSON.stringify(line)}`);
    const headers = lines.map(parseLine);
    const header = (name: string) => headers.find(([known]) => known === name)?.[1];
    const status = Number(match[1]);
    const { body, trailers } = await this.#body(method, status, header);
    return { status, reason: match[2] ?? "", headers, header, body, text: body.toString(), trailers };
  }

  async #body(
    method: string,
    status: number,
    header: (name: string) => string | undefined,
  ): Promise<{ body: Buffer; trailers: (readonly [string, string])[] }> {
    if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
      return { body: Buffer.alloc(0), trailers: [] };
    }
    if (header("transfer-encoding") === "chunked") return this.#chunked();
    const length = header("content-length");
    if (length !== undefined) return { body: await this.take(Number(length)), trailers: [] };
    await this.#wait(() => this.#ended || this.#error !== null || this.#closed);
    if (this.#error !== null || !this.#ended) throw new Error("connection reset inside a body");
    return { body: this.#consume(this.#buffer.length), trailers: [] };
  }

  async #chunked(): Promise<{ body: Buffer; trailers: (readonly [string, string])[] }> {
    const pieces: Buffer[] = [];
    for (;;) {
      const size = Number.parseInt(await this.#line(), 16);
      if (size === 0) break;
      pieces.push(Buffer.from(await this.take(size)));
      await this.#line();
    }
    const trailers: (readonly [string, string])[] = [];
    for (let line = await this.#line(); line !== ""; line = await this.#line())
      trailers.push(parseLine(line));
    return { body: Buffer.concat(pieces), trailers };
  }

  async #line(): Promise<string> {
    await this.#until(() => this.#buffer.includes("\r\n"));
    const end = this.#buffer.indexOf("\r\n");
    return this.#consume(end + 2).toString("latin1", 0, end);
  }

  #consume(count: number): Buffer {
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  async #until(ready: () => boolean): Promise<void> {
    await this.#wait(() => ready() || this.#ended || this.#closed || this.#error !== null);
    if (!ready())
      throw new Error(`connection ended first, after ${JSON.stringify(this.#buffer.toString("latin1"))}`);
  }

  async #wait(ready: () => boolean): Promise<void> {
    const late = AbortSignal.timeout(this.#timeoutMs);
    while (!ready()) {
      await new Promise<void>((resolve, reject) => {
        const onLate = () => reject(new Error("nothing came in time"));
        late.addEventListener("abort", onLate, { once: true });
        this.#wake = () => {
          late.removeEventListener("abort", onLate);
          this.#wake = noop;
          resolve();
        };
      });
    }
  }
}

function parseLine(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
}

function noop(): void {}
