import { type Session, sessionSchema } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { pickSession, previewStatus } from "./preview-status.ts";

const at = "2026-01-01T00:00:00.000Z";
function sessionWith(change: Partial<Session>): Session {
  const base = sessionSchema.parse({
    id: crypto.randomUUID(),
    projectId: crypto.randomUUID(),
    userId: crypto.randomUUID(),
    state: "active",
    level: null,
    mode: "persistent",
    tier: "local",
    resources: { cpus: null, memoryMb: null, diskMb: null },
    url: "http://x",
    previewUrl: null,
    visibility: "public",
    container: null,
    createdAt: at,
    lastActivityAt: at,
    expiresAt: null,
    suspendedAt: null,
    endedAt: null,
    reconnectCount: 0,
    parentSessionId: null,
    restoredSnapshotId: null,
    operation: null,
    health: {
      status: "unknown",
      checkedAt: null,
      checks: { http: "unknown", process: "unknown", resources: "unknown" },
    },
    error: null,
  });
  return { ...base, ...change };
}
const of = (session: Session | null, more: Partial<Parameters<typeof previewStatus>[0]> = {}) =>
  previewStatus({ loaded: true, session, action: null, failed: false, ...more });
const doing = (kind: NonNullable<Session["operation"]>["kind"]) => ({
  operation: { kind, phase: "queued", startedAt: at } as const,
});
const error = { code: "start_failed", message: "No." };

describe("status of a page", () => {
  test.each([
    ["loading", null, { loaded: false }],
    ["idle", null, {}],
    ["failed", null, { failed: true }],
    ["starting", null, { action: "start" }],
    ["starting", sessionWith({ state: "pending" }), {}],
    ["starting", sessionWith({ state: "suspended", ...doing("resuming") }), {}],
    ["running", sessionWith({}), {}],
    ["running", sessionWith({ error }), {}],
    ["running", sessionWith({ state: "disconnected" }), {}],
    ["running", sessionWith(doing("snapshotting")), {}],
    ["running", sessionWith({}), { failed: true }],
    ["stopping", sessionWith({}), { action: "stop" }],
    ["stopping", sessionWith(doing("freezing")), {}],
    ["stopped", sessionWith({ state: "suspended", level: "frozen" }), {}],
    ["failed", sessionWith({ state: "suspended", error }), {}],
    ["ended", sessionWith({ state: "terminated" }), {}],
    ["failed", sessionWith({ state: "terminated", error }), {}],
  ] as const)("%s", (expected, session, more) => {
    expect(of(session, more)).toBe(expected);
  });
});

describe("the session to show", () => {
  test("is the live persistent one, else the live one used last, never an ended one", () => {
    const ended = sessionWith({ state: "terminated", lastActivityAt: "2026-01-09T00:00:00.000Z" });
    const old = sessionWith({ mode: "ephemeral", lastActivityAt: "2026-01-02T00:00:00.000Z" });
    const newer = sessionWith({ mode: "ephemeral", lastActivityAt: "2026-01-03T00:00:00.000Z" });
    const own = sessionWith({ state: "suspended" });
    expect(pickSession([ended, old, newer, own])).toBe(own);
    expect(pickSession([ended, old, newer])).toBe(newer);
    expect(pickSession([ended])).toBeNull();
  });
});
