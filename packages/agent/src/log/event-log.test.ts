import { expect, test } from "vitest";
import { EventLog } from "./event-log.ts";

const log = (): EventLog => new EventLog(() => new Date("2026-01-01T00:00:00Z"));

test("a flood of lines is bounded, and pushes out no server event", () => {
  const events = log();
  events.server("starting", null, null);
  for (let index = 0; index < 5000; index++) events.line("server", "stdout", "x".repeat(20_000));
  const kept = events.backlog(0);
  expect(kept[0]).toMatchObject({ type: "server", seq: 1 });
  expect(kept.length).toBeLessThan(200);
  expect(kept.at(-1)).toMatchObject({ seq: 5001, line: { text: expect.stringMatching(/^x{8192}…$/) } });
});

test("a listener gets the backlog and what follows, in order and without a gap", () => {
  const events = log();
  events.line("server", "stdout", "one");
  events.server("listening", 1, null);
  events.files(["a"], []);
  const seen: number[] = [];
  const stop = events.listen(1, (event) => seen.push(event.seq));
  events.line("server", "stderr", "two");
  stop();
  events.line("server", "stderr", "three");
  expect(seen).toEqual([2, 3, 4]);
  expect(events.listenerCount).toBe(0);
  expect(events.lastLines(2, 0)).toEqual(["two", "three"]);
  expect(events.lastLines(9, 4)).toEqual(["three"]);
});
