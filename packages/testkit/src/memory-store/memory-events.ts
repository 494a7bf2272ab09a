import { type SessionEvent, type SessionId, VelocityError } from "@velocity/contract";
import type { EventStore } from "@velocity/core";
import { storableJson } from "./storable-text.ts";

const ID = /^\d{1,18}$/;

/** Events of every session in one order. `tell` writes within someone else's change; `knows` says which sessions exist. */
export function memoryEvents(deps: { yieldOnce(): Promise<void>; knows(id: SessionId): boolean }): {
  readonly store: EventStore;
  tell(id: SessionId, event: Omit<SessionEvent, "id">): SessionEvent;
} {
  let count = 0;
  const events = new Map<SessionId, SessionEvent[]>();
  const tell = (id: SessionId, event: Omit<SessionEvent, "id">): SessionEvent => {
    const stored = { ...event, data: storableJson(event.data), id: String(++count) };
    const own = events.get(id) ?? [];
    own.push(stored);
    events.set(id, own);
    return stored;
  };
  return {
    tell,
    store: {
      async append(sessionId, event) {
        await deps.yieldOnce();
        if (!deps.knows(sessionId)) throw new VelocityError("not_found", "There is no such session.");
        return tell(sessionId, event);
      },

      async after(sessionId, afterId, limit) {
        await deps.yieldOnce();
        if (afterId !== null && !ID.test(afterId))
          throw new VelocityError("bad_request", "The event id is not one that was given out.");
        const own = events.get(sessionId) ?? [];
        return own.filter((event) => Number(event.id) > Number(afterId ?? 0)).slice(0, limit);
      },
    },
  };
}
