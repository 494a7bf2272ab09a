import type { ContainerId, SessionId } from "@velocity/contract";
import type { EventBus } from "./events/event-bus.ts";
import { checkMove } from "./lifecycle/transition.ts";
import type { Log } from "./ports/log.ts";
import type { RouteListener } from "./ports/routing.ts";
import type { Cas, ContainerPatch, NewContainer, NewSession, SessionPatch, Store } from "./ports/store.ts";
import type { ContainerRecord, SessionRecord } from "./session-record.ts";

const MAX_HELD = 20_000;
const ORDER: Readonly<Record<ContainerRecord["status"], number>> = {
  creating: 0,
  available: 1,
  assigned: 2,
  maintenance: 3,
  destroying: 4,
  destroyed: 5,
};

/**
 * The only way sessions and containers are written. It keeps the last written or read version of each in memory (the
 * gateway's answers come from there), checks every change of state, and tells who has to know.
 */
export class SessionLedger {
  readonly #store: Store;
  readonly #bus: EventBus;
  readonly #log: Log;
  readonly #sole: boolean;
  readonly #sessions = new Map<SessionId, SessionRecord>();
  readonly #containers = new Map<ContainerId, ContainerRecord>();
  readonly #listeners = new Set<RouteListener>();

  /** `soleOrchestrator`: nobody else writes, so what is held is what is stored. */
  constructor(store: Store, bus: EventBus, log: Log, soleOrchestrator: boolean) {
    this.#sole = soleOrchestrator;
    this.#store = store;
    this.#bus = bus;
    this.#log = log;
  }

  peek(id: SessionId): SessionRecord | undefined {
    return this.#sessions.get(id);
  }

  /** The session as it is now, without asking the store where that cannot know better. */
  async current(id: SessionId): Promise<SessionRecord | null> {
    return (this.#sole ? this.#sessions.get(id) : undefined) ?? this.read(id);
  }

  async read(id: SessionId): Promise<SessionRecord | null> {
    const record = await this.#store.sessions.get(id);
    return record === null ? null : this.remember(record);
  }

  /** Takes note of a record that was read elsewhere; an older version than the held one changes nothing. */
  remember(record: SessionRecord): SessionRecord {
    const held = this.#sessions.get(record.id);
    if (held !== undefined && held.version > record.version) return held;
    if (held === undefined && this.#sessions.size >= MAX_HELD) dropOldest(this.#sessions);
    this.#sessions.set(record.id, record);
    if (held === undefined || held.version !== record.version) this.#announce(record.id);
    return record;
  }

  async insert(
    session: NewSession,
    reason: string,
  ): Promise<{ kind: "created" | "exists"; session: SessionRecord }> {
    const written = await this.#store.sessions.insert(session, reason);
    this.remember(written.session);
    if (written.kind === "created") this.#bus.changed(session.id);
    return written;
  }

  async patch(record: SessionRecord, patch: SessionPatch): Promise<Cas<SessionRecord>> {
    return this.#noted(await this.#store.sessions.patch(record.id, record.version, patch));
  }

  /** Throws `invalid_state` for a move that is not allowed. */
  async transition(
    record: SessionRecord,
    to: {
      readonly state: SessionRecord["state"];
      readonly level: SessionRecord["level"];
      readonly reason: string;
      readonly metadata?: Record<string, unknown>;
    },
    patch: SessionPatch,
  ): Promise<Cas<SessionRecord>> {
    checkMove(record, to);
    const written = this.#noted(await this.#store.sessions.transition(record.id, record.version, to, patch));
    if (written.kind === "written") this.#bus.changed(record.id);
    return written;
  }

  /** Activity that was already written in a batch. */
  touched(id: SessionId, at: Date): void {
    const held = this.#sessions.get(id);
    if (held !== undefined && held.lastActivityAt < at)
      this.#sessions.set(id, { ...held, lastActivityAt: at });
  }

  async container(id: ContainerId | null): Promise<ContainerRecord | null> {
    if (id === null) return null;
    const held = this.#containers.get(id);
    if (held !== undefined) return held;
    const record = await this.#store.containers.get(id);
    return record === null ? null : this.rememberContainer(record);
  }

  /** Whether and how this process knows it, without asking the store. */
  heldContainer(id: ContainerId): ContainerRecord | undefined {
    return this.#containers.get(id);
  }

  rememberContainer(record: ContainerRecord): ContainerRecord {
    const held = this.#containers.get(record.id);
    if (held !== undefined && held.version > record.version) return held;
    if (record.status === "destroyed") this.#containers.delete(record.id);
    else {
      if (held === undefined && this.#containers.size >= MAX_HELD) dropOldest(this.#containers);
      this.#containers.set(record.id, record);
    }
    return record;
  }

  async insertContainer(container: NewContainer): Promise<ContainerRecord> {
    return this.rememberContainer(await this.#store.containers.insert(container));
  }

  /** Writes over a newer version too, as long as the container's status does not go backwards. */
  async patchContainer(record: ContainerRecord, patch: ContainerPatch): Promise<ContainerRecord> {
    let current = record;
    for (;;) {
      const status = patch.status !== undefined && ORDER[patch.status] < ORDER[current.status];
      const allowed: ContainerPatch = status ? { ...patch, status: current.status } : patch;
      const written = await this.#store.containers.patch(current.id, current.version, allowed);
      if (written.kind === "written") return this.rememberContainer(written.record);
      const fresh = await this.#store.containers.get(current.id);
      if (fresh === null) return current;
      current = fresh;
    }
  }

  onRouteChange(listener: RouteListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #noted(written: Cas<SessionRecord>): Cas<SessionRecord> {
    if (written.kind === "written") this.remember(written.record);
    return written;
  }

  #announce(id: SessionId): void {
    for (const listener of this.#listeners) {
      try {
        listener(id);
      } catch (error) {
        this.#log.error({ err: error, sessionId: id }, "a route listener failed");
      }
    }
  }
}

function dropOldest(map: Map<unknown, unknown>): void {
  for (const key of map.keys()) {
    map.delete(key);
    return;
  }
}
