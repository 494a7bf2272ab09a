import type { SessionEvent } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { EMPTY_TIMELINE, phaseElapsedMs, reduceTimeline, timelineTotalMs } from "./phase-timeline.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
let id = 0;
function event(type: SessionEvent["type"], atMs: number, data: Record<string, unknown>): SessionEvent {
  return { id: String(++id), type, at: new Date(START + atMs).toISOString(), data };
}
const begin = (atMs: number, phase: string, operation = "starting") =>
  event("phase", atMs, { operation, phase, status: "begin" });
const end = (atMs: number, phase: string, ms?: number, operation = "starting") =>
  event("phase", atMs, { operation, phase, status: "end", ...(ms === undefined ? {} : { ms }) });
const state = (atMs: number, to: string) =>
  event("state", atMs, { state: to, level: null, from: null, reason: "" });
const play = (...events: SessionEvent[]) => events.reduce(reduceTimeline, EMPTY_TIMELINE);

describe("phase timeline", () => {
  test("lists the steps in order with the server's own durations", () => {
    const { phases } = play(
      begin(0, "queued"),
      end(5, "queued", 4),
      begin(5, "container"),
      end(90, "container", 80),
    );
    expect(phases.map((one) => [one.phase, one.status, one.ms])).toEqual([
      ["queued", "done", 4],
      ["container", "done", 80],
    ]);
  });

  test("measures a step by its events where the server names no duration", () => {
    expect(play(begin(10, "server"), end(310, "server")).phases[0]?.ms).toBe(300);
  });

  test("a running step counts up, a done one does not", () => {
    const { phases } = play(begin(0, "files"), end(20, "files", 20), begin(20, "server"));
    expect(phases.map((one) => phaseElapsedMs(one, START + 520))).toEqual([20, 500]);
    expect(timelineTotalMs(phases, START + 520)).toBe(520);
    expect(timelineTotalMs([], START)).toBeNull();
  });

  test("the next operation begins a new list", () => {
    const first = [begin(0, "queued"), end(1, "queued"), state(2, "active")];
    const { operation, phases } = play(...first, begin(9, "container", "resuming"));
    expect(operation).toBe("resuming");
    expect(phases.map((one) => one.phase)).toEqual(["container"]);
  });

  test("the same operation again begins a new list, even where nothing told that the first one ended", () => {
    const again = play(begin(0, "queued"), end(1, "queued"), begin(2, "server"), begin(50, "queued"));
    expect(again.phases.map((one) => one.phase)).toEqual(["queued"]);
  });

  test("a step that runs when the session ends has failed", () => {
    const { phases, complete } = play(begin(0, "dependencies"), state(700, "terminated"));
    expect(phases[0]).toMatchObject({ status: "failed", ms: 700 });
    expect(complete).toBe(true);
  });

  test("the end of the last step may come after the state it led to", () => {
    const { phases } = play(
      begin(0, "probe"),
      end(9, "probe", 9),
      begin(9, "publish"),
      state(10, "active"),
      end(13, "publish", 4),
    );
    expect(phases.map((one) => [one.phase, one.ms])).toEqual([
      ["probe", 9],
      ["publish", 4],
    ]);
  });

  test("becoming pending is the start of the steps, not the end", () => {
    expect(play(begin(0, "queued"), state(0, "pending")).phases[0]?.status).toBe("running");
  });

  test("putting a session to sleep leaves the steps of its start to be read", () => {
    const started = play(begin(0, "server"), end(9, "server", 9), state(10, "active"));
    const stopped = [
      begin(20, "suspend", "freezing"),
      end(30, "suspend", 10, "freezing"),
      state(31, "suspended"),
    ];
    expect(stopped.reduce(reduceTimeline, started)).toBe(started);
  });

  test("events that make no sense change nothing", () => {
    expect(
      play(event("phase", 0, {}), event("phase", 0, { operation: 1, phase: 2 }), event("log", 0, {})),
    ).toBe(EMPTY_TIMELINE);
  });
});
