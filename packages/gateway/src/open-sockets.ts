import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { SessionId } from "@velocity/contract";
import { type Splice, spliceSockets } from "@velocity/edge";

interface Open {
  readonly generation: number;
  readonly splice: Splice;
}

const KEEP_ALIVE_MS = 30_000;

/** The open WebSockets, by session. They outlive freezing, not their generation. */
export class OpenSockets {
  readonly #sessions = new Map<SessionId, Set<Open>>();

  get total(): number {
    let sum = 0;
    for (const open of this.#sessions.values()) sum += open.size;
    return sum;
  }

  count(id: SessionId): number {
    return this.#sessions.get(id)?.size ?? 0;
  }

  /** Takes over both sockets and carries their bytes until both are closed. */
  open(id: SessionId, generation: number, client: Duplex, upstream: Socket, halfOpenMs: number): void {
    if (client instanceof Socket) {
      client.setTimeout(0);
      client.setNoDelay(true);
      // A peer that vanished without a word is found out by the kernel.
      client.setKeepAlive(true, KEEP_ALIVE_MS);
    }
    const set = this.#sessions.get(id) ?? new Set();
    this.#sessions.set(id, set);
    const onClosed = () => {
      set.delete(entry);
      if (set.size === 0 && this.#sessions.get(id) === set) this.#sessions.delete(id);
    };
    const entry: Open = { generation, splice: spliceSockets(client, upstream, { halfOpenMs, onClosed }) };
    set.add(entry);
  }

  closeOlder(id: SessionId, generation: number): void {
    for (const open of [...(this.#sessions.get(id) ?? [])]) {
      if (open.generation < generation) open.splice.destroy();
    }
  }

  closeAll(id: SessionId): void {
    for (const open of [...(this.#sessions.get(id) ?? [])]) open.splice.destroy();
  }

  close(): void {
    for (const id of [...this.#sessions.keys()]) this.closeAll(id);
  }
}
