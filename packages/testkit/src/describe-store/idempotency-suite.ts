import { randomUUID } from "node:crypto";
import type { Store } from "@velocity/core";
import { expect, test } from "vitest";
import { moment, newUserId, times } from "./fixtures.ts";

const HOUR_MS = 3_600_000;

export function idempotencySuite(store: () => Store): void {
  const keys = () => store().idempotency;
  const fresh = () => [randomUUID(), newUserId()] as const;

  test("the first request goes on, the same one meanwhile is busy, and later gets the same answer", async () => {
    const [key, user] = fresh();
    expect(await keys().begin(key, user, "print", moment())).toEqual({ kind: "fresh" });
    expect(await keys().begin(key, user, "print", moment())).toEqual({ kind: "busy" });
    await keys().complete(key, user, 201, '{"id":1}');
    const done = { kind: "done", status: 201, body: '{"id":1}' };
    expect(await keys().begin(key, user, "print", moment(HOUR_MS))).toEqual(done);
    await keys().complete(key, user, 500, "another");
    await keys().abandon(key, user);
    expect(await keys().begin(key, user, "print", moment(HOUR_MS))).toEqual(done);
  });

  test("another request under the same key is a mismatch, another user's key is his own", async () => {
    const [key, user] = fresh();
    await keys().begin(key, user, "print", moment());
    expect(await keys().begin(key, user, "other", moment())).toEqual({ kind: "mismatch" });
    expect(await keys().begin(key, newUserId(), "other", moment())).toEqual({ kind: "fresh" });
  });

  test("of concurrent requests exactly one goes on", async () => {
    const [key, user] = fresh();
    const answers = await times(20, () => keys().begin(key, user, "print", moment()));
    expect(answers.filter((answer) => answer.kind === "fresh")).toHaveLength(1);
    expect(answers.filter((answer) => answer.kind === "busy")).toHaveLength(19);
  });

  test("an abandoned key is free at once", async () => {
    const [key, user] = fresh();
    await keys().begin(key, user, "print", moment());
    await keys().abandon(key, user);
    expect(await keys().begin(key, user, "other", moment())).toEqual({ kind: "fresh" });
  });

  test("a request that died is taken over by exactly one, and an answer expires after a day", async () => {
    const [key, user] = fresh();
    await keys().begin(key, user, "print", moment());
    expect(await keys().begin(key, user, "print", moment(HOUR_MS / 6))).toEqual({ kind: "busy" });
    const later = await times(5, () => keys().begin(key, user, "print", moment(HOUR_MS)));
    expect(later.filter((answer) => answer.kind === "fresh")).toHaveLength(1);
    await keys().complete(key, user, 200, "{}");
    expect(await keys().begin(key, user, "print", moment(24 * HOUR_MS))).toMatchObject({ kind: "done" });
    expect(await keys().begin(key, user, "other", moment(25 * HOUR_MS))).toEqual({ kind: "fresh" });
  });
}
