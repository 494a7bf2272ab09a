import type { HistoryEntry, SessionEvent, SessionId } from "@velocity/contract";
import type { SessionRecord, SessionStore } from "@velocity/core";
import { definedFields } from "./defined-fields.ts";
import { pageOf } from "./memory-page.ts";
import { storableJson, storableText } from "./storable-text.ts";

interface Deps {
  yieldOnce(): Promise<void>;
  now(): Date;
  /** Every id inserted is added, for the events. */
  readonly known: Set<string>;
  tell(id: SessionId, event: Omit<SessionEvent, "id">): void;
}

/** Sessions with their history; a change of state writes row, history and event in one piece. */
export function memorySessions({ yieldOnce, now, known, tell }: Deps): SessionStore {
  const sessions = new Map<SessionId, SessionRecord>();
  const history: HistoryEntry[] = [];

  const note = (
    session: SessionRecord,
    from: SessionRecord["state"] | null,
    reason: string,
    metadata: Record<string, unknown>,
  ) => {
    const at = now().toISOString();
    const { id, state, level, generation } = session;
    history.push({
      id: String(history.length + 1),
      sessionId: id,
      at,
      fromState: from,
      toState: state,
      level,
      generation,
      reason: storableText(reason),
      metadata: storableJson(metadata),
    });
    tell(id, { type: "state", at, data: { state, level, from, reason: storableText(reason) } });
  };
  const put = (session: SessionRecord) => {
    if ((session.state === "suspended") !== (session.level !== null))
      throw new Error("a session has a level exactly where it is suspended");
    sessions.set(session.id, session);
  };
  const isLive = (one: SessionRecord) => one.state !== "terminated";

  return {
    async insert(session, reason) {
      await yieldOnce();
      const other = [...sessions.values()].find(
        (one) =>
          one.mode === "persistent" &&
          session.mode === "persistent" &&
          isLive(one) &&
          one.projectId === session.projectId &&
          one.userId === session.userId,
      );
      if (other !== undefined) return { kind: "exists", session: other };
      if (sessions.has(session.id)) throw new Error("a session with this id is stored already");
      const record = { ...session, version: 1 };
      put(record);
      known.add(session.id);
      note(record, null, reason, {});
      return { kind: "created", session: record };
    },

    async get(id) {
      await yieldOnce();
      return sessions.get(id) ?? null;
    },

    async findLive(projectId, userId) {
      await yieldOnce();
      return [...sessions.values()]
        .filter((one) => one.projectId === projectId && one.userId === userId && isLive(one))
        .toSorted(
          (a, b) => b.lastActivityAt.getTime() - a.lastActivityAt.getTime() || (a.id < b.id ? -1 : 1),
        );
    },

    async list(filter, page) {
      await yieldOnce();
      const found = [...sessions.values()].filter(
        (one) =>
          (filter.projectId === undefined || one.projectId === filter.projectId) &&
          (filter.userId === undefined || one.userId === filter.userId) &&
          (filter.states === undefined || filter.states.includes(one.state)),
      );
      return pageOf(found, page, {
        place: (one) => [one.createdAt.getTime(), one.id],
        newestFirst: true,
      });
    },

    async findOverdue(at) {
      await yieldOnce();
      return [...sessions.values()].filter(
        (one) => one.operation !== null && one.operation.deadlineAt.getTime() <= at.getTime(),
      );
    },

    async patch(id, version, patch) {
      await yieldOnce();
      const held = sessions.get(id);
      if (held === undefined || held.version !== version) return { kind: "stale" };
      const record = { ...held, ...definedFields(patch), version: version + 1 };
      put(record);
      return { kind: "written", record };
    },

    async transition(id, version, to, patch) {
      await yieldOnce();
      const held = sessions.get(id);
      if (held === undefined || held.version !== version) return { kind: "stale" };
      const { state, level } = to;
      const record = { ...held, ...definedFields(patch), state, level, version: version + 1 };
      put(record);
      note(record, held.state, to.reason, to.metadata ?? {});
      return { kind: "written", record };
    },

    async history(id, page) {
      await yieldOnce();
      const own = history.filter((entry) => entry.sessionId === id);
      return pageOf(own, page, { place: (entry) => [Number(entry.id), entry.id], newestFirst: false });
    },

    async touch(ids, at) {
      await yieldOnce();
      for (const id of ids) {
        const held = sessions.get(id);
        if (held !== undefined && isLive(held) && held.lastActivityAt < at)
          sessions.set(id, { ...held, lastActivityAt: at });
      }
    },
  };
}
