import type { EventType, LogLine, SessionEvent, SessionId } from "@velocity/contract";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { EventStore } from "../ports/store.ts";
import { Subscriber } from "./subscriber.ts";

const RING_EVENTS = 300;
const RING_LINES = 1_000;
const MAX_CHANNELS = 1_000;
const PAGE = 500;
/** Ids as they are given out; another one (an old format, a guess) gets the whole backlog. */
const EVENT_ID = /^\d{0,18}(\.\d{1,16})?$/;

/** An event in its place among all of its session. Places, not times: the database has a clock of its own. */
interface Held {
  readonly place: number;
  readonly event: SessionEvent;
}

interface Channel {
  /** Events of every kind but `log`, oldest first. */
  readonly events: Held[];
  readonly lines: Held[];
  nextPlace: number;
  /** Places of stored events that were written meanwhile and not read yet. */
  readonly holes: number[];
  /** Id of the last stored event seen; null: none read yet. */
  stored: string | null;
  /** Grows with every event, over restarts too: it begins at the time in milliseconds. */
  tick: number;
  readonly subscribers: Set<Subscriber>;
  /** Keeps reads of the store in order with what is emitted meanwhile. */
  queue: Promise<void>;
}

/**
 * Events of sessions. State changes (and what is emitted as lasting) live in the store; phases, logs and file changes
 * only in a bounded ring. The id of a stored event is the store's; a ring-only one is `<last stored>.<tick>`.
 */
export class EventBus {
  readonly #store: EventStore;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #channels = new Map<SessionId, Channel>();

  constructor(store: EventStore, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  emit(sessionId: SessionId, type: EventType, data: Record<string, unknown>): void {
    const channel = this.#channel(sessionId);
    const at = this.#clock.now().toISOString();
    this.#enqueue(channel, async () => {
      this.#push(
        channel,
        { id: `${channel.stored ?? ""}.${this.#tick(channel)}`, type, at, data },
        channel.nextPlace++,
      );
    });
  }

  line(sessionId: SessionId, line: LogLine): void {
    this.emit(sessionId, "log", { ...line });
  }

  /** Stored as well, so that it is seen after a restart. */
  lasting(sessionId: SessionId, type: EventType, data: Record<string, unknown>): void {
    const channel = this.#channel(sessionId);
    const at = this.#clock.now().toISOString();
    this.#enqueue(channel, async () => {
      await this.#store.append(sessionId, { type, at, data });
      await this.#stored(sessionId, channel);
    });
  }

  /** The store has new events of this session, written with a transition. Read at once only where someone listens. */
  changed(sessionId: SessionId): void {
    const channel = this.#channels.get(sessionId);
    if (channel !== undefined) this.#enqueue(channel, () => this.#stored(sessionId, channel));
  }

  /** Log lines still held, oldest first. */
  lines(sessionId: SessionId): readonly SessionEvent[] {
    return (this.#channels.get(sessionId)?.lines ?? []).map((held) => held.event);
  }

  /** The backlog after `afterId`, then live until the signal; ends by itself for a reader that falls far behind. */
  async subscribe(
    sessionId: SessionId,
    afterId: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<SessionEvent>> {
    const channel = this.#channel(sessionId);
    const subscriber = new Subscriber(signal, () => channel.subscribers.delete(subscriber));
    const known = afterId !== null && EVENT_ID.test(afterId) ? afterId : null;
    const ready = channel.queue.then(async () => {
      await this.#pull(sessionId, channel);
      for (const event of await this.#backlog(sessionId, channel, known)) subscriber.push(event);
      if (!signal.aborted) channel.subscribers.add(subscriber);
    });
    channel.queue = ready.catch(() => {});
    try {
      await ready;
    } catch (error) {
      subscriber.end();
      throw error;
    }
    return subscriber;
  }

  close(): void {
    for (const channel of this.#channels.values()) {
      for (const subscriber of channel.subscribers) subscriber.end();
    }
    this.#channels.clear();
  }

  async #backlog(
    sessionId: SessionId,
    channel: Channel,
    afterId: string | null,
  ): Promise<readonly SessionEvent[]> {
    const held = [...channel.events, ...channel.lines].toSorted(byPlace).map((one) => one.event);
    if (afterId === null) return held;
    const index = held.findIndex((event) => event.id === afterId);
    if (index >= 0) return held.slice(index + 1);
    const [storedId, tick] = splitId(afterId);
    const known = new Set(held.map((event) => event.id));
    const stored = await this.#store.after(sessionId, storedId, PAGE);
    const fresh = held.filter((event) => {
      const [, ownTick] = splitId(event.id);
      return ownTick !== null && (tick === null || ownTick > tick);
    });
    const wanted = new Set([...stored.map((event) => event.id), ...fresh.map((event) => event.id)]);
    return [
      ...stored.filter((event) => !known.has(event.id)),
      ...held.filter((event) => wanted.has(event.id)),
    ];
  }

  /** A stored event was written: read now where someone listens, else its place is kept. */
  async #stored(sessionId: SessionId, channel: Channel): Promise<void> {
    if (channel.subscribers.size > 0) return this.#pull(sessionId, channel);
    channel.holes.push(channel.nextPlace++);
    if (channel.holes.length > RING_EVENTS) channel.holes.shift();
  }

  /** Reads what was stored since the last time. The newest fill the places kept for them; what is older comes first. */
  async #pull(sessionId: SessionId, channel: Channel): Promise<void> {
    const first = channel.stored === null;
    const fresh: SessionEvent[] = [];
    for (let after = channel.stored; ; after = fresh.at(-1)?.id ?? null) {
      const page = await this.#store.after(sessionId, after, PAGE);
      fresh.push(...page);
      // What an empty ring would drop again need not be kept; a reader that is behind has a store to ask.
      if (first) fresh.splice(0, Math.max(0, fresh.length - RING_EVENTS));
      if (page.length < PAGE) break;
    }
    const kept = channel.holes.splice(0);
    const holes = kept.slice(Math.max(0, kept.length - fresh.length));
    const others = fresh.length - holes.length;
    for (const [n, event] of fresh.entries()) {
      const place = first && n < others ? n - others : holes[n - others];
      this.#push(channel, event, place ?? channel.nextPlace++);
      channel.stored = event.id;
    }
  }

  #push(channel: Channel, event: SessionEvent, place: number): void {
    const isLine = event.type === "log";
    const ring = isLine ? channel.lines : channel.events;
    const isLast = (ring.at(-1)?.place ?? place) <= place;
    ring.push({ place, event });
    if (!isLast) ring.sort(byPlace);
    if (ring.length > (isLine ? RING_LINES : RING_EVENTS)) ring.shift();
    for (const subscriber of channel.subscribers) subscriber.push(event);
  }

  #tick(channel: Channel): number {
    channel.tick = Math.max(channel.tick + 1, this.#clock.now().getTime());
    return channel.tick;
  }

  #enqueue(channel: Channel, work: () => Promise<void>): void {
    channel.queue = channel.queue.then(work).catch((error) => {
      this.#log.warn({ err: error }, "an event could not be read or written");
    });
  }

  #channel(sessionId: SessionId): Channel {
    const known = this.#channels.get(sessionId);
    if (known !== undefined) return known;
    if (this.#channels.size >= MAX_CHANNELS) this.#evict();
    const channel: Channel = {
      events: [],
      lines: [],
      nextPlace: 0,
      holes: [],
      stored: null,
      tick: 0,
      subscribers: new Set(),
      queue: Promise.resolve(),
    };
    this.#channels.set(sessionId, channel);
    return channel;
  }

  #evict(): void {
    for (const [id, channel] of this.#channels) {
      if (channel.subscribers.size > 0) continue;
      this.#channels.delete(id);
      return;
    }
  }
}

function byPlace(a: Held, b: Held): number {
  return a.place - b.place;
}

function splitId(id: string): [stored: string | null, tick: number | null] {
  const dot = id.lastIndexOf(".");
  if (dot < 0) return [id, null];
  const tick = Number(id.slice(dot + 1));
  return [dot === 0 ? null : id.slice(0, dot), Number.isFinite(tick) ? tick : null];
}
