import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

interface Line {
  busy: boolean;
  ended: boolean;
  readonly waiting: (() => void)[];
}

/**
 * One request of a connection at a time. Node hands over pipelined requests all at once; run side by side they would take
 * effect in any order, and a single read could open hundreds of upstream connections.
 */
export class RequestQueue {
  readonly #lines = new WeakMap<Socket, Line>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  isBusy(socket: Socket): boolean {
    return this.#lines.get(socket)?.busy === true;
  }

  /** Nothing behind the current request is served any more: where it ended cannot be trusted. */
  end(socket: Socket): void {
    const line = this.#lines.get(socket);
    if (line === undefined) return;
    line.ended = true;
    line.waiting.length = 0;
  }

  /** Runs `serve` once the connection's earlier responses are over. */
  add(socket: Socket, res: ServerResponse, serve: () => void): void {
    let line = this.#lines.get(socket);
    if (line === undefined) {
      line = { busy: false, ended: false, waiting: [] };
      this.#lines.set(socket, line);
    }
    const own = line;
    if (own.ended) return;
    res.once("close", () => this.#next(socket, own));
    if (!own.busy) {
      own.busy = true;
      serve();
      return;
    }
    if (own.waiting.length >= this.#max) {
      socket.destroy();
      return;
    }
    own.waiting.push(serve);
    socket.pause();
  }

  #next(socket: Socket, line: Line): void {
    const serve = line.waiting.shift();
    if (socket.destroyed) {
      line.waiting.length = 0;
      return;
    }
    if (serve === undefined) {
      line.busy = false;
      return;
    }
    if (line.waiting.length === 0) socket.resume();
    serve();
  }
}
