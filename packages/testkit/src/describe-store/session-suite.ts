import type { SessionId } from "@velocity/contract";
import type { SessionPatch, Store } from "@velocity/core";
import { describe, expect, test } from "vitest";
import {
  moment,
  newContainerId,
  newOperation,
  newProjectId,
  newSession,
  newSessionId,
  newUserId,
  times,
  written,
} from "./fixtures.ts";

export function sessionSuite(store: () => Store): void {
  const sessions = () => store().sessions;
  const insert = async (overrides = {}) => (await sessions().insert(newSession(overrides), "test")).session;
  const terminate = async (id: SessionId, version: number) =>
    written(
      await sessions().transition(id, version, { state: "terminated", level: null, reason: "over" }, {}),
    );

  describe("insert", () => {
    test("a session comes back exactly as it was stored, at version 1", async () => {
      const session = newSession({
        operation: newOperation(),
        error: { code: "install_failed", message: "no such package" },
        health: {
          status: "healthy",
          checkedAt: moment(5),
          checks: { http: "healthy", process: "healthy", resources: "unhealthy" },
        },
        expiresAt: moment(1),
        suspendedAt: moment(2),
        endedAt: moment(3),
        containerId: newContainerId(),
        parentSessionId: newSessionId(),
      });
      const inserted = await sessions().insert(session, "test");
      expect(inserted).toEqual({ kind: "created", session: { ...session, version: 1 } });
      expect(await sessions().get(session.id)).toEqual({ ...session, version: 1 });
    });

    test("an unknown session is null", async () => {
      expect(await sessions().get(newSessionId())).toBeNull();
    });

    test("the first history entry and event say where the session came from", async () => {
      const session = await insert();
      const { items } = await sessions().history(session.id, { limit: 10 });
      expect(items).toMatchObject([
        { sessionId: session.id, fromState: null, toState: "pending", reason: "test", generation: 1 },
      ]);
      expect(await store().events.after(session.id, null, 10)).toMatchObject([
        { type: "state", data: { state: "pending", level: null, from: null, reason: "test" } },
      ]);
    });

    test("a second persistent session of a (project, user) is answered with the first, and leaves no trace", async () => {
      const first = await insert();
      const second = newSession({ projectId: first.projectId, userId: first.userId });
      expect(await sessions().insert(second, "again")).toEqual({ kind: "exists", session: first });
      expect(await sessions().get(second.id)).toBeNull();
      expect((await sessions().history(second.id, { limit: 10 })).items).toEqual([]);
    });

    test("concurrent inserts for one (project, user) make one session, and every caller gets it", async () => {
      const [projectId, userId] = [newProjectId(), newUserId()];
      const answers = await times(20, () => sessions().insert(newSession({ projectId, userId }), "race"));
      expect(answers.filter((answer) => answer.kind === "created")).toHaveLength(1);
      expect(new Set(answers.map((answer) => answer.session.id)).size).toBe(1);
      expect(await sessions().findLive(projectId, userId)).toHaveLength(1);
    });

    test("ephemeral sessions stand beside the persistent one", async () => {
      const first = await insert();
      const { projectId, userId } = first;
      await insert({ projectId, userId, mode: "ephemeral", lastActivityAt: moment(2) });
      await insert({ projectId, userId, mode: "ephemeral", lastActivityAt: moment(1) });
      const live = await sessions().findLive(projectId, userId);
      expect(live.map((session) => session.lastActivityAt)).toEqual([moment(2), moment(1), moment(0)]);
    });

    test("after termination the (project, user) may have a new one", async () => {
      const first = await insert();
      await terminate(first.id, first.version);
      const { projectId, userId } = first;
      const second = await sessions().insert(newSession({ projectId, userId }), "again");
      expect(second.kind).toBe("created");
      expect(await sessions().findLive(projectId, userId)).toEqual([second.session]);
    });
  });

  describe("transition", () => {
    test("state, history and event change together, and the version grows by one", async () => {
      const session = await insert({ operation: newOperation() });
      const to = { state: "active", level: null, reason: "published", metadata: { ms: 12 } } as const;
      const moved = written(
        await sessions().transition(session.id, session.version, to, { operation: null, generation: 2 }),
      );
      expect(moved).toEqual({ ...session, state: "active", operation: null, generation: 2, version: 2 });
      expect((await sessions().history(session.id, { limit: 10 })).items[1]).toMatchObject({
        fromState: "pending",
        toState: "active",
        generation: 2,
        reason: "published",
        metadata: { ms: 12 },
      });
      expect((await store().events.after(session.id, null, 10))[1]).toMatchObject({
        type: "state",
        data: { state: "active", level: null, from: "pending", reason: "published" },
      });
    });

    test("a change of level is recorded like a change of state", async () => {
      const session = await insert({ state: "suspended", level: "frozen" });
      const to = { state: "suspended", level: "hibernated", reason: "memory" } as const;
      written(await sessions().transition(session.id, session.version, to, {}));
      const { items } = await sessions().history(session.id, { limit: 10 });
      expect(items.map((entry) => entry.level)).toEqual(["frozen", "hibernated"]);
    });

    test("a stale version changes nothing: no row, no history, no event", async () => {
      const session = await insert();
      written(await sessions().patch(session.id, session.version, { reconnectCount: 1 }));
      const to = { state: "active", level: null, reason: "late" } as const;
      expect(await sessions().transition(session.id, session.version, to, {})).toEqual({ kind: "stale" });
      expect(await sessions().get(session.id)).toMatchObject({ state: "pending", version: 2 });
      expect((await sessions().history(session.id, { limit: 10 })).items).toHaveLength(1);
      expect(await store().events.after(session.id, null, 10)).toHaveLength(1);
    });

    test("of concurrent transitions from one version exactly one wins", async () => {
      const session = await insert();
      const answers = await times(20, (index) =>
        sessions().transition(
          session.id,
          session.version,
          index % 2 === 0
            ? { state: "active", level: null, reason: `try ${index}` }
            : { state: "terminated", level: null, reason: `try ${index}` },
          {},
        ),
      );
      expect(answers.filter((answer) => answer.kind === "written")).toHaveLength(1);
      expect((await sessions().history(session.id, { limit: 50 })).items).toHaveLength(2);
      expect(await sessions().get(session.id)).toMatchObject({ version: 2 });
    });

    test("text that a database cannot hold is kept as far as it can be", async () => {
      const session = await insert();
      const to = {
        state: "active",
        level: null,
        reason: "nul \0",
        metadata: { "k\0": "\ud800 half" },
      } as const;
      written(await sessions().transition(session.id, session.version, to, {}));
      expect((await sessions().history(session.id, { limit: 10 })).items[1]).toMatchObject({
        reason: "nul \ufffd",
        metadata: { "k\ufffd": "\ufffd half" },
      });
    });

    test("a state outside the five and a suspended session without a level cannot be stored", async () => {
      const session = await insert();
      const to = { state: "suspended", level: null, reason: "no level" } as const;
      await expect(sessions().transition(session.id, session.version, to, {})).rejects.toThrow();
      expect(await sessions().get(session.id)).toEqual(session);
    });
  });

  describe("patch and touch", () => {
    const patches: readonly SessionPatch[] = [
      { operation: newOperation({ kind: "resuming", phase: "server" }) },
      { containerId: newContainerId(), generation: 7 },
      { error: { code: "server_exited", message: "gone" } },
      { expiresAt: moment(9), suspendedAt: moment(8), endedAt: moment(7), lastActivityAt: moment(6) },
      { env: { A: "1" }, visibility: "public", reconnectCount: 3 },
      {
        health: {
          status: "unhealthy",
          checkedAt: moment(4),
          checks: { http: "unhealthy", process: "healthy", resources: "healthy" },
        },
      },
    ];

    test.each(patches.map((patch) => [Object.keys(patch).join(", "), patch] as const))(
      "only what is named changes: %s",
      async (_name, patch) => {
        const session = await insert();
        const patched = written(await sessions().patch(session.id, 1, patch));
        expect(patched).toEqual({ ...session, ...patch, version: 2 });
        expect(await sessions().get(session.id)).toEqual(patched);
      },
    );

    test("null empties a field, absence leaves it", async () => {
      const session = await insert({ operation: newOperation(), expiresAt: moment(1) });
      const patched = written(await sessions().patch(session.id, 1, { operation: null }));
      expect(patched).toMatchObject({ operation: null, expiresAt: moment(1) });
    });

    test("touch moves the last activity forward only, leaves the version, and never wakes the dead", async () => {
      const [first, second, dead] = await Promise.all([
        insert(),
        insert({ lastActivityAt: moment(9) }),
        insert(),
      ]);
      await terminate(dead.id, 1);
      await sessions().touch([first.id, second.id, dead.id, newSessionId()], moment(5));
      await sessions().touch([], moment(6));
      expect(await sessions().get(first.id)).toEqual({ ...first, lastActivityAt: moment(5) });
      expect(await sessions().get(second.id)).toEqual(second);
      expect((await sessions().get(dead.id))?.lastActivityAt).toEqual(moment());
    });

    test("a touch in between does not make a version stale", async () => {
      const session = await insert();
      await Promise.all(
        Array.from({ length: 10 }, async (_, index) => sessions().touch([session.id], moment(index + 1))),
      );
      const to = { state: "active", level: null, reason: "published" } as const;
      const moved = written(await sessions().transition(session.id, 1, to, {}));
      expect(moved).toMatchObject({ version: 2, lastActivityAt: moment(10) });
    });
  });

  describe("lists", () => {
    test("pages go through all sessions of a user, newest first, unmoved by new ones", async () => {
      const userId = newUserId();
      // Several at the same moment: the id decides between them.
      const old = await times(7, (index) => insert({ userId, createdAt: moment(Math.floor(index / 3)) }));
      const seen: SessionId[] = [];
      let cursor: string | undefined;
      do {
        const page = await sessions().list({ userId }, { limit: 2, ...(cursor !== undefined && { cursor }) });
        expect(page.items.length).toBeLessThanOrEqual(2);
        seen.push(...page.items.map((session) => session.id));
        cursor = page.nextCursor ?? undefined;
        await insert({ userId, createdAt: moment(100 + seen.length) });
      } while (cursor !== undefined);
      expect([...seen].sort()).toEqual(old.map((session) => session.id).sort());
    });

    test("filters combine", async () => {
      const [userId, projectId] = [newUserId(), newProjectId()];
      const wanted = await insert({ userId, projectId, mode: "ephemeral", state: "active" });
      await insert({ userId, projectId, mode: "ephemeral" });
      await insert({ userId, state: "active" });
      await insert({ projectId, state: "active" });
      const filter = { userId, projectId, states: ["active", "suspended"] } as const;
      expect((await sessions().list(filter, { limit: 10 })).items).toEqual([wanted]);
      expect((await sessions().list({ userId, states: [] }, { limit: 10 })).items).toEqual([]);
    });

    test("a cursor that nobody gave out is refused as such", async () => {
      for (const cursor of ["", "x", "W10", Buffer.from('["1","2"]').toString("base64url")])
        await expect(sessions().list({}, { limit: 1, cursor })).rejects.toMatchObject({
          code: "bad_request",
        });
      await expect(sessions().history(newSessionId(), { limit: 1, cursor: "x" })).rejects.toMatchObject({
        code: "bad_request",
      });
    });

    test("history is paged, oldest first", async () => {
      const session = await insert();
      for (let version = 1; version <= 4; version++)
        written(
          await sessions().transition(
            session.id,
            version,
            { state: version % 2 ? "active" : "disconnected", level: null, reason: String(version) },
            {},
          ),
        );
      const reasons: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await sessions().history(session.id, {
          limit: 2,
          ...(cursor !== undefined && { cursor }),
        });
        reasons.push(...page.items.map((entry) => entry.reason));
        cursor = page.nextCursor ?? undefined;
      } while (cursor !== undefined);
      expect(reasons).toEqual(["test", "1", "2", "3", "4"]);
    });

    test("an operation is overdue from its deadline on, and a session without one never is", async () => {
      const late = await insert({ operation: newOperation({ deadlineAt: moment(10) }) });
      const running = await insert({ operation: newOperation({ deadlineAt: moment(11) }) });
      const quiet = await insert();
      const overdue = (await sessions().findOverdue(moment(10))).map((session) => session.id);
      expect(overdue).toContain(late.id);
      expect(overdue).not.toContain(running.id);
      expect(overdue).not.toContain(quiet.id);
    });
  });
}
