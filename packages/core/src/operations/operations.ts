import { type OperationKind, type Phase, type SessionId, VelocityError } from "@velocity/contract";
import { abortable } from "../abortable.ts";
import type { EventBus } from "../events/event-bus.ts";
import { Leaving, Superseded } from "../failure.ts";
import { isAbandoned, newOperation } from "../lifecycle/deadlines.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { NewSession } from "../ports/store.ts";
import type { SessionLedger } from "../session-ledger.ts";
import type { Operation, SessionRecord } from "../session-record.ts";
import { noTimings, type OperationContext, type PhaseOptions } from "./operation.ts";
import { OwnedSession } from "./owned-session.ts";

/** Names of the operations in fail-points and messages. */
export const VERBS: Readonly<Record<OperationKind, string>> = {
  starting: "start",
  resuming: "resume",
  freezing: "freeze",
  hibernating: "hibernate",
  snapshotting: "snapshot",
  restoring: "restore",
  restarting: "restart",
  replacing: "replace",
  terminating: "terminate",
};

interface Running {
  readonly kind: OperationKind;
  readonly controller: AbortController;
  phase: Phase;
  /** Settles with the operation; rejections reach those who wait. */
  done: Promise<unknown>;
}

interface OperationsDeps {
  readonly ledger: SessionLedger;
  readonly bus: EventBus;
  readonly clock: Clock;
  readonly log: Log;
  readonly ownerId: string;
  readonly soleOrchestrator: boolean;
  failpoint(name: string): Promise<void> | void;
}

export type Body<T> = (op: OperationContext) => Promise<T>;

/** What a verb does, given the session as it is now. */
export type Decision<T> =
  | { readonly kind: "done"; readonly value: T }
  | {
      readonly kind: "run";
      readonly operation: OperationKind;
      readonly phase: Phase;
      readonly body: Body<T>;
    };

/**
 * The operations that this process runs, at most one per session. Who asks for the same one joins it, who asks for
 * another waits its turn; only `terminating` does not wait, it takes over. They outlive whoever asked.
 */
export class Operations {
  readonly #deps: OperationsDeps;
  readonly #running = new Map<SessionId, Running>();
  /** Kinds that may still begin; null: any. */
  #only: readonly OperationKind[] | null = null;

  constructor(deps: OperationsDeps) {
    this.#deps = deps;
  }

  isRunning(id: SessionId): boolean {
    return this.#running.has(id);
  }

  phaseOf(id: SessionId): Phase | null {
    return this.#running.get(id)?.phase ?? null;
  }

  get size(): number {
    return this.#running.size;
  }

  isAbandoned(session: SessionRecord): boolean {
    if (session.operation === null) return false;
    const { clock, ownerId, soleOrchestrator } = this.#deps;
    return isAbandoned(session.operation, {
      now: clock.now(),
      ownerId,
      running: this.#running.has(session.id),
      soleOrchestrator,
    });
  }

  /**
   * Brings a session where the verb wants it. `decide` sees the row afresh each time: it says done, throws a typed
   * error, or says what to run. `joins`: an operation of one of these kinds that is under way is what was asked for;
   * its failure is the caller's, and after its end `decide` is asked again.
   */
  async perform<T>(
    id: SessionId,
    joins: readonly OperationKind[],
    decide: (session: SessionRecord) => Promise<Decision<T>> | Decision<T>,
  ): Promise<T> {
    for (let round = 0; ; round++) {
      const running = this.#running.get(id);
      if (running !== undefined) {
        if (joins.includes(running.kind)) await running.done;
        else {
          if (joins.includes("terminating")) running.controller.abort(new Superseded());
          await running.done.catch(() => {});
        }
        continue;
      }
      // What is held may be behind; then the write finds out, and the next round reads.
      const { ledger } = this.#deps;
      const session = round === 0 ? await ledger.current(id) : await ledger.read(id);
      if (session === null) throw new VelocityError("not_found", "There is no such session.");
      if (this.#running.has(id)) continue;
      const foreign = session.operation !== null && !this.isAbandoned(session);
      if (foreign && !joins.includes("terminating")) {
        await this.#deps.clock.sleep(50);
        continue;
      }
      const decision = await decide(session);
      if (decision.kind === "done") return decision.value;
      const begun = this.begin(session, decision.operation, decision.phase, decision.body);
      if (begun === null) continue;
      const result = await begun;
      if (result.kind === "ran") return result.value;
    }
  }

  /** Takes the row by compare-and-set and runs. Null: this process runs another one of this session. */
  begin<T>(
    session: SessionRecord,
    kind: OperationKind,
    phase: Phase,
    body: Body<T>,
  ): Promise<{ kind: "ran"; value: T } | { kind: "stale" }> | null {
    return this.#reserve(session.id, kind, phase, async (running) => {
      const operation = newOperation(kind, phase, this.#deps.ownerId, this.#deps.clock.now());
      const written = await this.#deps.ledger.patch(session, { operation });
      if (written.kind === "stale") return { kind: "stale" };
      return { kind: "ran", value: await this.#run(running, written.record, operation, body) };
    });
  }

  /** The same for a session that does not exist yet. `exists`: another one is already there. */
  beginNew<T>(
    session: Omit<NewSession, "operation">,
    reason: string,
    body: Body<T>,
  ): Promise<{ kind: "ran"; value: T } | { kind: "exists"; session: SessionRecord }> {
    const begun = this.#reserve(session.id, "starting", "queued", async (running) => {
      const operation = newOperation("starting", "queued", this.#deps.ownerId, this.#deps.clock.now());
      const written = await this.#deps.ledger.insert({ ...session, operation }, reason);
      if (written.kind === "exists") return { kind: "exists" as const, session: written.session };
      return { kind: "ran" as const, value: await this.#run(running, written.session, operation, body) };
    });
    if (begun === null) throw new VelocityError("conflict", "A session with this id is being started.");
    return begun;
  }

  /** Refuses new operations, and ends those that run: their rows are left as they are, for the next process. */
  async leave(graceMs: number): Promise<void> {
    this.#only = [];
    const all = () => Promise.allSettled([...this.#running.values()].map((running) => running.done));
    if (graceMs > 0 && this.#running.size > 0) {
      const ended = new AbortController();
      const late = this.#deps.clock.sleep(graceMs, ended.signal).catch(() => {});
      await Promise.race([all(), late]).finally(() => ended.abort());
    }
    for (const running of this.#running.values()) running.controller.abort(new Leaving());
    await all();
  }

  /** Shutdown hibernates sessions after `leave`; a start that was on its way still begins nothing. */
  allowHibernating(): void {
    this.#only = ["hibernating"];
  }

  #reserve<T>(
    id: SessionId,
    kind: OperationKind,
    phase: Phase,
    work: (running: Running) => Promise<T>,
  ): Promise<T> | null {
    if (this.#running.has(id)) return null;
    if (this.#only?.includes(kind) === false) return Promise.reject(new Leaving());
    const running: Running = { kind, controller: new AbortController(), phase, done: Promise.resolve() };
    this.#running.set(id, running);
    const done = work(running).finally(() => this.#running.delete(id));
    running.done = done;
    done.catch(() => {});
    return done;
  }

  async #run<T>(running: Running, record: SessionRecord, operation: Operation, body: Body<T>): Promise<T> {
    const { clock, ledger, log } = this.#deps;
    const { kind } = operation;
    const ended = new AbortController();
    void clock
      .sleep(operation.deadlineAt.getTime() - operation.startedAt.getTime(), ended.signal)
      .then(() =>
        running.controller.abort(
          new VelocityError("operation_timeout", `To ${VERBS[kind]} the session took too long.`),
        ),
      )
      .catch(() => {});
    const begunAt = performance.now();
    const op = this.#context(running, new OwnedSession(ledger, record, operation));
    try {
      await op.step("begun");
      const value = await body(op);
      log.info(
        { sessionId: record.id, operation: kind, ms: since(begunAt), timings: op.timings },
        "operation done",
      );
      return value;
    } catch (error) {
      const quiet = error instanceof Superseded || error instanceof Leaving;
      log[quiet ? "info" : "warn"](
        { sessionId: record.id, operation: kind, ms: since(begunAt), err: error },
        "operation ended without its result",
      );
      throw error;
    } finally {
      ended.abort();
    }
  }

  #context(running: Running, owned: OwnedSession): OperationContext {
    const { bus, failpoint } = this.#deps;
    const { kind } = running;
    const signal = running.controller.signal;
    const timings = noTimings();
    const sessionId = owned.record.id;
    return {
      kind,
      signal,
      owned,
      timings,
      source: null,
      async step(name) {
        signal.throwIfAborted();
        await failpoint(`${VERBS[kind]}.${name}`);
        signal.throwIfAborted();
      },
      async phase<T>(phase: Phase, work: () => Promise<T>, options: PhaseOptions<T> = {}) {
        running.phase = phase;
        bus.emit(sessionId, "phase", { operation: kind, phase, status: "begin" });
        const begunAt = performance.now();
        const result = await abortable(work(), signal);
        const ms = since(begunAt);
        if (options.timing !== undefined) timings[options.timing] = ms;
        const detail = options.detail?.(result);
        bus.emit(sessionId, "phase", {
          operation: kind,
          phase,
          status: "end",
          ms,
          ...(detail === undefined ? {} : { detail }),
        });
        return result;
      },
    };
  }
}

function since(begunAt: number): number {
  return Math.round((performance.now() - begunAt) * 10) / 10;
}
