import type { SessionEvent } from "@velocity/contract";
import type { Store } from "@velocity/core";
import { expect, test } from "vitest";
import { moment, newSession, newSessionId, times, written } from "./fixtures.ts";

export function eventSuite(store: () => Store): void {
  const events = () => store().events;
  const insert = async () => (await store().sessions.insert(newSession(), "test")).session;
  const log = (textOfLine: string) => ({
    type: "log" as const,
    at: moment().toISOString(),
    data: { text: textOfLine },
  });

  test("events come back in order, from after the given id", async () => {
    const session = await insert();
    const [state] = await events().after(session.id, null, 10);
    const first = await events().append(session.id, log("1"));
    const second = await events().append(session.id, log("2"));
    expect(first).toEqual({ ...log("1"), id: first.id });
    expect(await events().after(session.id, null, 2)).toEqual([state, first]);
    expect(await events().after(session.id, first.id, 10)).toEqual([second]);
    expect(await events().after(session.id, second.id, 10)).toEqual([]);
    expect(await events().after(newSessionId(), null, 10)).toEqual([]);
  });

  test("an event of an unknown session and an id that was never given out are refused", async () => {
    await expect(events().append(newSessionId(), log("x"))).rejects.toMatchObject({ code: "not_found" });
    await expect(events().after(newSessionId(), "x'; drop table events", 1)).rejects.toMatchObject({
      code: "bad_request",
    });
  });

  test("text with NUL and halves of surrogate pairs, as terminals write it, is kept", async () => {
    const session = await insert();
    const event = await events().append(session.id, log("\0 \ud83d ok 🎉"));
    expect(event.data).toEqual({ text: "\ufffd \ufffd ok 🎉" });
  });

  test("a reader that follows concurrent writers misses nothing and sees nothing twice", async () => {
    const session = await insert();
    const seen: SessionEvent[] = [];
    let writing = true;
    const reader = (async () => {
      for (;;) {
        const last = !writing;
        const fresh = await events().after(session.id, seen.at(-1)?.id ?? null, 5);
        seen.push(...fresh);
        if (last && fresh.length === 0) return;
      }
    })();
    const moves = (async () => {
      for (let version = 1; version <= 10; version++)
        written(
          await store().sessions.transition(
            session.id,
            version,
            { state: version % 2 ? "active" : "disconnected", level: null, reason: "x" },
            {},
          ),
        );
    })();
    await Promise.all([moves, times(40, (index) => events().append(session.id, log(String(index))))]);
    writing = false;
    await reader;
    expect(seen).toEqual(await events().after(session.id, null, 1000));
    expect(seen).toHaveLength(51);
  });
}
