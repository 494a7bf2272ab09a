import { Superseded } from "../failure.ts";
import type { Cas, SessionPatch } from "../ports/store.ts";
import type { SessionLedger } from "../session-ledger.ts";
import type { Operation, SessionRecord } from "../session-record.ts";

/**
 * A session while one operation owns it. Every write is fenced: a harmless write of someone else (activity, settings) is
 * read and written over; once the row's operation is no longer this one, `Superseded` is thrown and nothing is written.
 */
export class OwnedSession {
  readonly #ledger: SessionLedger;
  readonly #operation: Operation;
  #record: SessionRecord;

  constructor(ledger: SessionLedger, record: SessionRecord, operation: Operation) {
    this.#ledger = ledger;
    this.#record = record;
    this.#operation = operation;
  }

  get record(): SessionRecord {
    return this.#record;
  }

  async write(patch: SessionPatch): Promise<SessionRecord> {
    return this.#fenced((record) => this.#ledger.patch(record, patch));
  }

  async transition(
    to: Parameters<SessionLedger["transition"]>[1],
    patch: SessionPatch,
  ): Promise<SessionRecord> {
    return this.#fenced((record) => this.#ledger.transition(record, to, patch));
  }

  async #fenced(write: (record: SessionRecord) => Promise<Cas<SessionRecord>>): Promise<SessionRecord> {
    for (;;) {
      const written = await write(this.#record);
      if (written.kind === "written") {
        this.#record = written.record;
        return written.record;
      }
      const fresh = await this.#ledger.read(this.#record.id);
      if (fresh === null || !this.#owns(fresh)) throw new Superseded();
      this.#record = fresh;
    }
  }

  #owns(record: SessionRecord): boolean {
    const held = record.operation;
    return (
      held !== null &&
      held.kind === this.#operation.kind &&
      held.owner === this.#operation.owner &&
      held.startedAt.getTime() === this.#operation.startedAt.getTime() &&
      record.generation === this.#record.generation
    );
  }
}
