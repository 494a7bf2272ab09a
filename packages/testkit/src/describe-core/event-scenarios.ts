import type { SessionEvent } from "@velocity/contract";
import { expect, test } from "vitest";
import { LOCAL, newProjectId } from "../core-rig.ts";
import type { NewRig } from "./new-rig.ts";

/** Reads until an event that ends the wait. */
async function collect(events: AsyncIterable<SessionEvent>, last: (event: SessionEvent) => boolean) {
  const seen: SessionEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    if (last(event)) break;
  }
  return seen;
}
const isState = (state: string) => (event: SessionEvent) =>
  event.type === "state" && event.data.state === state;

export function eventScenarios(newRig: NewRig): void {
  test("a start is told phase by phase, with times, between its states", async () => {
    const rig = await newRig();
    const process = rig.process();
    const begun = await rig.start(process, newProjectId(), { wait: false });
    const signal = new AbortController().signal;
    const events = await process.core.sessions.events(LOCAL, begun.session.id, null, signal);
    const seen = await rig.run(collect(events, isState("active")));
    const phases = seen.filter((event) => event.type === "phase");
    const ended = phases.filter((event) => event.data.status === "end");
    expect(ended.map((event) => event.data.phase)).toEqual(
      expect.arrayContaining(["project", "dependencies", "container", "server", "probe"]),
    );
    for (const event of ended)
      expect(event.data).toMatchObject({ operation: "starting", ms: expect.any(Number) });
    expect(seen.filter((event) => event.type === "state").map((event) => event.data.state)).toEqual([
      "pending",
      "active",
    ]);
  });

  test("who comes back with the last id gets what was missed, and nothing twice", async () => {
    const rig = await newRig();
    const process = rig.process();
    const { session } = await rig.start(process, newProjectId());
    const read = async (after: string | null, until: string) => {
      const signal = new AbortController().signal;
      const events = await process.core.sessions.events(LOCAL, session.id, after, signal);
      return rig.run(collect(events, isState(until)));
    };
    const first = await read(null, "active");
    await rig.run(process.core.sessions.stop(LOCAL, session.id));
    const second = await read(first.at(-1)?.id ?? null, "suspended");
    const ids = [...first, ...second].map((event) => event.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(second.some((event) => event.type === "phase" && event.data.phase === "suspend")).toBe(true);
    const stranger = await read("not an id", "suspended");
    expect(stranger.length).toBeGreaterThan(second.length);
  });

  test("states are told over a restart of the server", async () => {
    const rig = await newRig();
    const first = rig.process();
    const { session } = await rig.start(first, newProjectId());
    const signal = new AbortController().signal;
    const before = await collect(
      await first.core.sessions.events(LOCAL, session.id, null, signal),
      isState("active"),
    );
    await rig.run(first.core.controllers.shutdown("hibernate"));
    first.kill();
    const second = rig.process();
    const events = await second.core.sessions.events(LOCAL, session.id, before.at(-1)?.id ?? null, signal);
    const seen = await collect(events, isState("suspended"));
    expect(seen.at(-1)?.data).toMatchObject({ level: "hibernated", from: "active" });
  });

  test("log lines are kept, and followed until the signal", async () => {
    const rig = await newRig();
    const process = rig.process();
    const { session } = await rig.start(process, newProjectId());
    const [container] = rig.engine.containers.values();
    if (container === undefined) throw new Error("no container");
    rig.engine.log(container, "one");
    await rig.clock.advance(1);
    const done = new AbortController();
    const lines = await process.core.sessions.logs(LOCAL, session.id, { follow: true, signal: done.signal });
    const seen: string[] = [];
    for await (const line of lines) {
      seen.push(line.text);
      if (seen.length === 1) rig.engine.log(container, "two");
      if (seen.length === 2) done.abort();
    }
    expect(seen).toEqual(["one", "two"]);
  });
}
