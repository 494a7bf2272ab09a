import { randomUUID } from "node:crypto";
import {
  type Exec,
  type ExecResult,
  type HistoryEntry,
  type LogLine,
  type SessionEvent,
  type SessionId,
  sessionIdSchema,
  VelocityError,
} from "@velocity/contract";
import type { Caller, SessionRecord, SessionService, SessionView, StartOutcome } from "@velocity/core";
import type { MemoryProjects } from "./memory-projects.ts";

const START = new Date("2026-01-01T00:00:00.000Z");
const NO_TIMINGS = {
  claimMs: null,
  filesMs: null,
  dependenciesMs: null,
  serverMs: null,
  probeMs: null,
  totalMs: 1,
};

/** Sessions without containers: as core behaves towards the API, kept in a map. */
export class MemorySessions implements SessionService {
  readonly rows = new Map<SessionId, SessionRecord>();
  readonly events_ = new Map<SessionId, SessionEvent[]>();
  readonly #projects: MemoryProjects;
  readonly #listeners = new Set<() => void>();
  /** How many event streams are being read right now. */
  openStreams = 0;
  /** Thrown by the next start. */
  failStart: unknown;
  /** The next start is not done when it answers. */
  slowStart = false;
  execResult = { exitCode: 0, stdout: "ok\n", stderr: "", truncated: false };
  lines: LogLine[] = [];

  constructor(projects: MemoryProjects) {
    this.#projects = projects;
  }

  async start(caller: Caller, options: Parameters<SessionService["start"]>[1]): Promise<StartOutcome> {
    if (this.failStart !== undefined) throw this.failStart;
    await this.#projects.ensure(caller, options.projectId);
    const userId = options.userId ?? caller.userId;
    const live = [...this.rows.values()].find(
      (row) => row.projectId === options.projectId && row.userId === userId && row.state !== "terminated",
    );
    const created = live === undefined || options.forceNew;
    const done = !this.slowStart;
    const session = created
      ? this.#put(newSession(options.projectId, userId, done ? "active" : "pending"))
      : live;
    return {
      session,
      container: null,
      created,
      reused: !created,
      done,
      source: created ? "cold" : "reused",
      timings: NO_TIMINGS,
    };
  }

  async get(caller: Caller, id: SessionId): Promise<SessionView> {
    const session = this.rows.get(id);
    if (session === undefined || (caller.role !== "admin" && session.userId !== caller.userId))
      throw new VelocityError("not_found", "There is no such session.");
    return { session, container: null };
  }

  async list(
    caller: Caller,
    filter: Parameters<SessionService["list"]>[1],
    page: Parameters<SessionService["list"]>[2],
  ) {
    const from = page.cursor === undefined ? 0 : Number(page.cursor);
    if (!Number.isInteger(from)) throw new VelocityError("bad_request", "The cursor is not valid.");
    const all = [...this.rows.values()].filter(
      (row) =>
        (caller.role === "admin" || row.userId === caller.userId) &&
        (filter.projectId === undefined || row.projectId === filter.projectId) &&
        (filter.userId === undefined || row.userId === filter.userId) &&
        (filter.states === undefined || filter.states.includes(row.state)),
    );
    const items = all.slice(from, from + page.limit).map((session) => ({ session, container: null }));
    return { items, nextCursor: from + page.limit < all.length ? String(from + page.limit) : null };
  }

  stop(caller: Caller, id: SessionId) {
    return this.suspend(caller, id, "frozen");
  }
  suspend(caller: Caller, id: SessionId, level: "frozen" | "hibernated") {
    return this.#move(caller, id, { state: "suspended", level, suspendedAt: START });
  }
  resume(caller: Caller, id: SessionId) {
    return this.#move(caller, id, { state: "active", level: null, suspendedAt: null });
  }
  restart(caller: Caller, id: SessionId) {
    return this.#move(caller, id, {});
  }
  async terminate(caller: Caller, id: SessionId) {
    const { session } = await this.get(caller, id);
    return {
      session: this.#put({ ...session, state: "terminated", level: null, endedAt: START }),
      container: null,
    };
  }
  heartbeat(caller: Caller, id: SessionId) {
    return this.#move(caller, id, {});
  }

  async history(caller: Caller, id: SessionId) {
    await this.get(caller, id);
    const entry: HistoryEntry = {
      id: "1",
      sessionId: id,
      at: START.toISOString(),
      fromState: null,
      toState: "pending",
      level: null,
      generation: 1,
      reason: "start",
      metadata: {},
    };
    return { items: [entry], nextCursor: null };
  }

  async events(caller: Caller, id: SessionId, afterId: string | null, signal: AbortSignal) {
    await this.get(caller, id);
    return this.#follow(id, Number(afterId ?? 0), signal);
  }

  async logs(caller: Caller, id: SessionId) {
    await this.get(caller, id);
    const lines = this.lines;
    return (async function* () {
      yield* lines;
    })();
  }

  async exec(caller: Caller, id: SessionId, _command: Exec, _signal: AbortSignal): Promise<ExecResult> {
    await this.get(caller, id);
    return this.execResult;
  }

  /** Something happened in a session. */
  emit(id: SessionId, event: Omit<SessionEvent, "id" | "at">): void {
    const list = this.events_.get(id) ?? [];
    list.push({ id: String(list.length + 1), at: START.toISOString(), ...event });
    this.events_.set(id, list);
    for (const listener of [...this.#listeners]) listener();
  }

  async *#follow(id: SessionId, after: number, signal: AbortSignal): AsyncGenerator<SessionEvent> {
    this.openStreams++;
    try {
      for (let next = after; !signal.aborted; ) {
        const event = this.events_.get(id)?.[next];
        if (event !== undefined) {
          next++;
          yield event;
          continue;
        }
        await new Promise<void>((resolve) => {
          const wake = () => {
            this.#listeners.delete(wake);
            signal.removeEventListener("abort", wake);
            resolve();
          };
          this.#listeners.add(wake);
          signal.addEventListener("abort", wake, { once: true });
        });
      }
    } finally {
      this.openStreams--;
    }
  }

  async #move(caller: Caller, id: SessionId, patch: Partial<SessionRecord>): Promise<SessionView> {
    const { session } = await this.get(caller, id);
    if (session.state === "terminated") throw new VelocityError("invalid_state", "The session has ended.");
    return { session: this.#put({ ...session, ...patch, version: session.version + 1 }), container: null };
  }

  #put(session: SessionRecord): SessionRecord {
    this.rows.set(session.id, session);
    return session;
  }
}

export function newSession(
  projectId: SessionRecord["projectId"],
  userId: SessionRecord["userId"],
  state: SessionRecord["state"],
): SessionRecord {
  return {
    id: sessionIdSchema.parse(randomUUID()),
    projectId,
    userId,
    state,
    level: null,
    mode: "persistent",
    tier: "local",
    resources: { cpus: null, memoryMb: null, diskMb: null },
    visibility: "public",
    env: { SECRET: "must never be shown" },
    generation: 1,
    version: 1,
    containerId: null,
    operation: null,
    health: {
      status: "unknown",
      checkedAt: null,
      checks: { http: "unknown", process: "unknown", resources: "unknown" },
    },
    error: null,
    createdAt: START,
    lastActivityAt: START,
    expiresAt: null,
    suspendedAt: null,
    endedAt: null,
    reconnectCount: 0,
    parentSessionId: null,
    restoredSnapshotId: null,
  };
}
