import type { SessionState, SuspendLevel } from "@velocity/contract";
import { LOCAL_USER_ID, sessionIdSchema, VelocityError } from "@velocity/contract";
import { newProjectId } from "@velocity/testkit";
import { describe, expect, test } from "vitest";
import type { SessionRecord } from "../session-record.ts";
import { isAbandoned, newOperation } from "./deadlines.ts";
import { expiryOf } from "./expiry.ts";
import { type Observed, plan } from "./plan.ts";
import { reuseCandidates } from "./reuse.ts";
import { checkMove, mayMove } from "./transition.ts";

const NOW = new Date("2026-01-01T12:00:00.000Z");
const ago = (ms: number) => new Date(NOW.getTime() - ms);
const SETTINGS = {
  suspendOnIdle: true,
  maxIdleTimeMs: 900_000,
  hibernateAfterMs: 1_800_000,
  maxSessionAgeMs: 86_400_000,
  freezes: true,
};

function session(more: Partial<SessionRecord> = {}): SessionRecord {
  const unknown = "unknown" as const;
  return {
    id: sessionIdSchema.parse("00000000-0000-4000-8000-000000000001"),
    projectId: newProjectId(),
    userId: LOCAL_USER_ID,
    state: "active",
    level: null,
    mode: "persistent",
    tier: "local",
    resources: { cpus: null, memoryMb: null, diskMb: null },
    visibility: "public",
    env: {},
    generation: 1,
    version: 1,
    containerId: null,
    operation: null,
    health: {
      status: unknown,
      checkedAt: null,
      checks: { http: unknown, process: unknown, resources: unknown },
    },
    error: null,
    createdAt: NOW,
    lastActivityAt: NOW,
    expiresAt: null,
    suspendedAt: null,
    endedAt: null,
    reconnectCount: 0,
    parentSessionId: null,
    restoredSnapshotId: null,
    ...more,
  };
}

describe("transition", () => {
  const STATES: readonly SessionState[] = ["pending", "active", "suspended", "disconnected", "terminated"];
  const ALLOWED: readonly string[] = [
    "pending→active",
    "pending→terminated",
    "active→suspended",
    "active→disconnected",
    "active→terminated",
    "suspended→active",
    "suspended→terminated",
    "disconnected→active",
    "disconnected→suspended",
    "disconnected→terminated",
  ];
  const place = (state: SessionState, level: SuspendLevel = "frozen") => ({
    state,
    level: state === "suspended" ? level : null,
  });

  test("exactly the moves of the design are allowed", () => {
    const moves = STATES.flatMap((from) =>
      STATES.filter((to) => mayMove(place(from), place(to))).map((to) => `${from}→${to}`),
    );
    expect(moves.toSorted()).toEqual(ALLOWED.toSorted());
  });

  test("a change of level is a move of its own, and only a suspended session has a level", () => {
    expect(mayMove(place("suspended", "frozen"), place("suspended", "hibernated"))).toBe(true);
    expect(mayMove(place("active"), { state: "suspended", level: null })).toBe(false);
    expect(mayMove(place("suspended"), { state: "active", level: "frozen" })).toBe(false);
  });

  test("a refused move names both states", () => {
    const refused = () => checkMove(session({ state: "terminated" }), { state: "active", level: null });
    expect(refused).toThrow(VelocityError);
    expect(refused).toThrow(/terminated.*active/);
  });
});

test("candidates: disconnected, suspended, active; newest activity first; ending and other modes left out", () => {
  const one = (name: string, more: Partial<SessionRecord>) => session({ ...more, env: { name } });
  const operation = newOperation("terminating", "destroy", "me", NOW);
  const live = [
    one("active", {}),
    one("old suspended", { state: "suspended", level: "frozen", lastActivityAt: ago(10) }),
    one("ending", { operation }),
    one("new suspended", { state: "suspended", level: "hibernated", lastActivityAt: ago(5) }),
    one("ephemeral", { mode: "ephemeral" }),
    one("disconnected", { state: "disconnected", lastActivityAt: ago(99) }),
  ];
  expect(reuseCandidates(live, "persistent").map((candidate) => candidate.env.name)).toEqual([
    "disconnected",
    "new suspended",
    "old suspended",
    "active",
  ]);
});

describe("plan", () => {
  const present = (status: "created" | "running" | "suspended" | "stopped"): Observed => ({
    kind: "present",
    status,
  });
  const none: Observed = { kind: "none" };
  const missed = (passes: number): Observed => ({ kind: "missing", passes });
  const frozen = { state: "suspended", level: "frozen", suspendedAt: NOW } as const;
  const hibernated = { state: "suspended", level: "hibernated", suspendedAt: NOW } as const;
  const operation = newOperation("freezing", "suspend", "other", NOW);

  test.each<
    [string, Partial<SessionRecord>, Observed, { attached?: boolean; abandoned?: boolean }, readonly string[]]
  >([
    ["active, running, attached", {}, present("running"), {}, []],
    ["active, running, not attached", {}, present("running"), { attached: false }, ["attach"]],
    ["active, stopped", {}, present("stopped"), {}, ["recover"]],
    ["active, missed once", {}, missed(1), {}, []],
    ["active, missed twice", {}, missed(2), {}, ["recover"]],
    ["active, found frozen", {}, present("suspended"), {}, ["record-level"]],
    ["active, idle", { lastActivityAt: ago(900_000) }, present("running"), {}, ["suspend"]],
    ["frozen, frozen", frozen, present("suspended"), {}, []],
    ["frozen for long", { ...frozen, suspendedAt: ago(1_800_000) }, present("suspended"), {}, ["suspend"]],
    ["frozen, running", frozen, present("running"), {}, ["sleep-again"]],
    ["frozen, stopped", frozen, present("stopped"), {}, ["record-level"]],
    ["frozen, missed once", frozen, missed(1), {}, []],
    ["frozen, missed twice", frozen, missed(2), {}, ["record-level"]],
    ["hibernated, stopped", hibernated, present("stopped"), {}, []],
    ["hibernated, running", hibernated, present("running"), {}, ["sleep-again"]],
    ["hibernated, gone", hibernated, none, {}, []],
    ["pending without an operation", { state: "pending" }, none, {}, ["repair"]],
    ["an operation that lives", { operation }, present("stopped"), { abandoned: false }, []],
    ["an operation that lost its owner", { operation }, present("running"), { abandoned: true }, ["repair"]],
    ["terminated", { state: "terminated" }, present("running"), {}, []],
    ["past its age", { tier: "pro", lastActivityAt: ago(86_400_000) }, present("running"), {}, ["terminate"]],
    ["past its age, local", { lastActivityAt: ago(86_400_000), ...hibernated }, none, {}, []],
  ])("%s", (_name, more, observed, at, expected) => {
    const actions = plan(session(more), observed, {
      now: NOW,
      attached: at.attached ?? true,
      abandoned: at.abandoned ?? false,
      settings: SETTINGS,
    });
    expect(actions.map((action) => action.type)).toEqual(expected);
  });
});

test("an operation is abandoned past its deadline, or with an owner that is known to be gone", () => {
  const operation = newOperation("freezing", "suspend", "other", NOW);
  const at = { now: NOW, ownerId: "me", running: false, soleOrchestrator: false };
  expect(isAbandoned(operation, at)).toBe(false);
  expect(isAbandoned(operation, { ...at, now: operation.deadlineAt })).toBe(true);
  expect(isAbandoned(operation, { ...at, now: operation.deadlineAt, running: true })).toBe(false);
  expect(isAbandoned(operation, { ...at, soleOrchestrator: true })).toBe(true);
  expect(isAbandoned({ ...operation, owner: "me" }, at)).toBe(true);
});

test("age runs from the last activity, and an extension outlasts it", () => {
  const base = { tier: "pro", lastActivityAt: NOW, expiresAt: null } as const;
  const settings = { maxSessionAgeMs: 1_000 };
  expect(expiryOf(base, settings)?.getTime()).toBe(NOW.getTime() + 1_000);
  expect(expiryOf({ ...base, expiresAt: ago(-5_000) }, settings)).toEqual(ago(-5_000));
  expect(expiryOf({ ...base, tier: "local" }, settings)).toBeNull();
});
