import { LABELS } from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { type Action, type Observed, plan } from "../lifecycle/plan.ts";
import { answersAs } from "../operations/answers-as.ts";
import { bounded, destroyContainer } from "../operations/destroy-container.ts";
import { syncServerError, watchSession } from "../operations/session-watch.ts";
import type { Verbs } from "../operations/verbs.ts";
import type { ContainerObservation } from "../ports/driver.ts";
import type { ContainerRecord, SessionRecord } from "../session-record.ts";

const LIVE = ["pending", "active", "disconnected", "suspended"] as const;
/** Tries to bring an active session's container back before it is put to sleep with its error. */
const MAX_RECOVERIES = 3;
const RECOVERY_WINDOW_MS = 600_000;
const LIST_MS = 20_000;

/** At most one repair per key at a time. */
type Begin = (key: string, work: () => Promise<unknown>, isCorrection?: boolean) => void;

export interface PassResult {
  readonly corrections: number;
  /** Repairs that were begun; each ends by itself. */
  readonly repairs: readonly Promise<void>[];
}

/** Compares rows with what the engine lists, and acts on the difference. A list that failed changes nothing. */
export class Reconciler {
  readonly #core: CoreContext;
  readonly #verbs: Verbs;
  readonly #missing = new Map<string, number>();
  readonly #busy = new Set<string>();
  readonly #recoveries = new Map<string, number[]>();
  #passing: Promise<PassResult> | null = null;

  constructor(core: CoreContext, verbs: Verbs) {
    this.#core = core;
    this.#verbs = verbs;
  }

  /** One pass; a second caller gets the one that runs. Resolves when everything is decided, not when it is repaired. */
  pass(): Promise<PassResult> {
    this.#passing ??= this.#run().finally(() => {
      this.#passing = null;
    });
    return this.#passing;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, settings, log } = this.#core;
    while (!signal.aborted) {
      await clock.sleep(settings.reconcileIntervalMs, signal).catch(() => {});
      if (signal.aborted) return;
      try {
        const { corrections } = await this.pass();
        if (corrections > 0) log.info({ corrections }, "reconciled");
        await this.#core.pool.refill();
      } catch (error) {
        log.warn({ err: error }, "a reconcile pass could not be made; nothing was changed");
      }
    }
  }

  async #run(): Promise<PassResult> {
    const { store, driver } = this.#core;
    const listedAt = this.#core.clock.now();
    // Rows first: what is created between the two reads then has no row here, and is younger than the grace.
    const sessions = await this.#sessions();
    const rows = await store.containers.listLive();
    const listed = await bounded(this.#core, (signal) => driver.list({ signal }), LIST_MS);
    const seen = new Map(listed.map((one) => [one.containerId, one]));
    const repairs: Promise<void>[] = [];
    let corrections = 0;
    const begin: Begin = (key, work, isCorrection = true) => {
      if (this.#busy.has(key)) return;
      this.#busy.add(key);
      if (isCorrection) corrections++;
      repairs.push(
        work()
          .then(
            () => {},
            (error) =>
              this.#core.log.warn({ key, err: error }, "a repair did not succeed; it is tried again"),
          )
          .finally(() => this.#busy.delete(key)),
      );
    };
    for (const session of sessions) this.#session(session, rows, seen, begin);
    const known = new Map(rows.map((row) => [row.id, row]));
    const bySession = new Map(sessions.map((session) => [session.id, session]));
    for (const row of rows) this.#row(row, bySession, seen, begin);
    for (const one of listed) {
      if (!known.has(one.containerId)) this.#stranger(one, listedAt, begin);
    }
    for (const id of this.#missing.keys()) {
      if (!rows.some((row) => row.id === id)) this.#missing.delete(id);
    }
    return { corrections, repairs };
  }

  async #sessions(): Promise<SessionRecord[]> {
    const sessions: SessionRecord[] = [];
    for (let cursor: string | undefined; ; ) {
      const page = await this.#core.store.sessions.list(
        { states: LIVE },
        { ...(cursor === undefined ? {} : { cursor }), limit: 500 },
      );
      sessions.push(...page.items.map((session) => this.#core.ledger.remember(session)));
      if (page.nextCursor === null) return sessions;
      cursor = page.nextCursor;
    }
  }

  #session(
    session: SessionRecord,
    rows: readonly ContainerRecord[],
    seen: ReadonlyMap<string, ContainerObservation>,
    begin: Begin,
  ): void {
    const { operations, settings, driver, clock, watches } = this.#core;
    if (operations.isRunning(session.id)) return;
    const row = rows.find((one) => one.id === session.containerId);
    const observed = this.#observe(session, row, seen);
    const actions = plan(session, observed, {
      now: clock.now(),
      attached: session.containerId !== null && watches.get(session.containerId) !== undefined,
      abandoned: operations.isAbandoned(session),
      settings: { ...settings, freezes: driver.capabilities.suspend === "memory" },
    });
    for (const action of actions) {
      begin(session.id, () => this.#execute(session, action), action.type !== "attach");
    }
  }

  #observe(
    session: SessionRecord,
    row: ContainerRecord | undefined,
    seen: ReadonlyMap<string, ContainerObservation>,
  ): Observed {
    if (session.containerId === null || row === undefined) return { kind: "none" };
    const one = seen.get(session.containerId);
    if (one !== undefined && one.status !== "gone") {
      this.#missing.delete(row.id);
      return { kind: "present", status: one.status };
    }
    const passes = (this.#missing.get(row.id) ?? 0) + 1;
    this.#missing.set(row.id, passes);
    return { kind: "missing", passes };
  }

  async #execute(session: SessionRecord, action: Action): Promise<void> {
    const { log } = this.#core;
    log.info({ sessionId: session.id, action }, "reconciling a session");
    switch (action.type) {
      case "repair":
        return this.#verbs.repair(session.id);
      case "attach":
        return this.#attach(session);
      case "recover":
        return this.#recover(session, action.reason);
      case "suspend":
        return action.reason === "idle"
          ? this.#verbs.stop(session.id, action.reason)
          : this.#verbs.suspend(session.id, action.level, action.reason);
      case "sleep-again":
        return this.#verbs.sleepAgain(session.id, action.level, action.reason);
      case "terminate":
        return this.#verbs.terminate(session.id, action.reason);
      case "record-level":
        await this.#core.ledger.transition(
          session,
          { state: "suspended", level: action.level, reason: action.reason },
          { suspendedAt: session.suspendedAt ?? this.#core.clock.now() },
        );
    }
  }

  /** An earlier server's container: it must say who it is before it counts as this session's. */
  async #attach(session: SessionRecord): Promise<void> {
    const row = await this.#core.ledger.container(session.containerId);
    if (row === null || row.ref === null) return;
    const handle = { containerId: row.id, ref: row.ref };
    if (!(await answersAs(this.#core, handle, session))) {
      return this.#recover(session, "does not answer");
    }
    if (this.#core.watches.get(row.id) === undefined) watchSession(this.#core, session, handle);
    await syncServerError(this.#core, session.id, row.id);
  }

  async #recover(session: SessionRecord, reason: string): Promise<void> {
    const now = this.#core.clock.now().getTime();
    const recent = (this.#recoveries.get(session.id) ?? []).filter((at) => now - at < RECOVERY_WINDOW_MS);
    if (recent.length >= MAX_RECOVERIES) {
      this.#recoveries.delete(session.id);
      return this.#verbs.suspend(session.id, "hibernated", "kept falling over");
    }
    this.#recoveries.set(session.id, [...recent, now]);
    await this.#verbs.replace(session.id, { fresh: false, reason });
  }

  /** A container row whose session does not want it, or that the engine has lost. */
  #row(
    row: ContainerRecord,
    sessions: ReadonlyMap<string, SessionRecord>,
    seen: ReadonlyMap<string, ContainerObservation>,
    begin: Begin,
  ): void {
    const { clock, settings, ledger, operations, pool } = this.#core;
    const one = seen.get(row.id);
    const old = clock.now().getTime() - row.createdAt.getTime() >= settings.orphanGraceMs;
    if (row.sessionId !== null) {
      const session = sessions.get(row.sessionId);
      const busy = operations.isRunning(row.sessionId) || session?.operation != null;
      if (busy || session?.containerId === row.id) return;
      // Its session is over or has another container. The row was read with the sessions: only an old one is certain.
      if (old || row.status === "destroying") begin(row.id, () => this.#discard(row));
      return;
    }
    if (row.status === "destroying") begin(row.id, () => destroyContainer(this.#core, row));
    else if (row.status === "creating") {
      if (old && this.#core.watches.get(row.id) === undefined)
        begin(row.id, () => destroyContainer(this.#core, row));
    } else if (row.status === "available") {
      const fell = one === undefined || one.status !== "running";
      begin(
        row.id,
        async () => {
          if (fell || !(await pool.keeps(row))) await destroyContainer(this.#core, row);
          else pool.adopt(ledger.heldContainer(row.id) ?? row);
        },
        fell,
      );
    }
  }

  /** Looked at once more just before it is destroyed: a session may have taken it meanwhile. */
  async #discard(row: ContainerRecord): Promise<void> {
    const { store, operations } = this.#core;
    const session = row.sessionId === null ? null : await store.sessions.get(row.sessionId);
    if (session !== null && session.state !== "terminated") {
      if (session.containerId === row.id || session.operation !== null || operations.isRunning(session.id))
        return;
    }
    await destroyContainer(this.#core, row);
  }

  /** A container that no live row knows. Only one of ours, and only past the grace. */
  #stranger(one: ContainerObservation, listedAt: Date, begin: Begin): void {
    const { settings } = this.#core;
    if (listedAt.getTime() - one.createdAt.getTime() < settings.orphanGraceMs) return;
    begin(one.containerId, async () => {
      const { store, driver, log } = this.#core;
      if (one.labels[LABELS.install] !== (await this.#core.installId())) return;
      const row = await store.containers.get(one.containerId);
      if (row !== null && row.status !== "destroyed") return;
      log.warn({ containerId: one.containerId }, "destroying a container that belongs to no session");
      const handle = { containerId: one.containerId, ref: one.ref };
      await bounded(this.#core, (signal) => driver.destroy(handle, { signal }));
    });
  }
}
