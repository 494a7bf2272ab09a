import { describe, expect, test } from "vitest";
import { LOCAL, newProjectId } from "../core-rig.ts";
import type { NewRig } from "./new-rig.ts";

export function threadScenarios(newRig: NewRig): void {
  describe("the thread", () => {
    test("a cold start publishes a session whose container answers as its generation", async () => {
      const rig = await newRig();
      const process = rig.process();
      const started = await rig.start(process, newProjectId());
      expect(started).toMatchObject({ created: true, reused: false, done: true, source: "cold" });
      expect(started.session).toMatchObject({ state: "active", operation: null, error: null, generation: 1 });
      const route = await process.core.routing.resolve(started.session.id);
      expect(route).toMatchObject({ kind: "live", generation: 1, containerId: started.session.containerId });
      expect(rig.engine.containers.size).toBe(1);
    });

    test("stop freezes, start resumes the same session, container and generation", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      const stopped = await rig.run(process.core.sessions.stop(LOCAL, session.id));
      expect(stopped.session).toMatchObject({ state: "suspended", level: "frozen", operation: null });
      expect([...rig.engine.containers.values()].map((one) => one.status)).toEqual(["suspended"]);
      expect(await process.core.routing.resolve(session.id)).toMatchObject({
        kind: "asleep",
        level: "frozen",
      });
      const again = await rig.start(process, projectId);
      expect(again).toMatchObject({ created: false, reused: true, source: "resumed" });
      expect(again.session).toMatchObject({
        id: session.id,
        state: "active",
        generation: 1,
        containerId: session.containerId,
      });
    });

    test("hibernation keeps the container's workspace and resumes with a new generation", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      const asleep = await rig.run(process.core.sessions.suspend(LOCAL, session.id, "hibernated"));
      expect(asleep.session).toMatchObject({ state: "suspended", level: "hibernated" });
      const awake = await rig.run(process.core.sessions.resume(LOCAL, session.id));
      expect(awake.session).toMatchObject({
        state: "active",
        generation: 2,
        containerId: session.containerId,
      });
    });

    test("terminate leaves no container, and may be repeated", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      for (let n = 0; n < 2; n++) {
        const ended = await rig.run(process.core.sessions.terminate(LOCAL, session.id));
        expect(ended.session).toMatchObject({ state: "terminated", operation: null, containerId: null });
      }
      expect(rig.engine.containers.size).toBe(0);
      expect(await process.core.routing.resolve(session.id)).toEqual({ kind: "missing" });
    });

    test.each(["frozen", "hibernated"] as const)(
      "a start of a %s session whose time is over says that it is being resumed, and then is",
      async (level) => {
        const rig = await newRig();
        const process = rig.process();
        const projectId = newProjectId();
        const { session } = await rig.start(process, projectId);
        await rig.run(process.core.sessions.suspend(LOCAL, session.id, level));
        let release = () => {};
        const held = new Promise<void>((resolve) => {
          release = resolve;
        });
        rig.engine.faults = {
          at: (call, when) => (call === "identity" && when === "before" ? held : undefined),
        };
        const resumed = { done: false, created: false, reused: true, source: "resumed" };
        expect(await rig.start(process, projectId, { wait: false })).toMatchObject(resumed);
        await rig.clock.quiet();
        // Whoever comes while it is under way joins it, and is told so.
        const joined = { ...resumed, source: "joined", session: { id: session.id } };
        expect(await rig.start(process, projectId, { wait: false })).toMatchObject(joined);
        const waiting = rig.begin(process, projectId, { waitMs: 1_000 });
        await rig.clock.quiet();
        await rig.clock.advance(1_000);
        expect(await waiting).toMatchObject(joined);
        release();
        await rig.clock.advance(1_000);
        const after = { done: true, source: "reused", session: { id: session.id, state: "active" } };
        expect(await rig.start(process, projectId)).toMatchObject(after);
      },
    );

    test("a start that is over its time says where its container comes from, as far as that is known", async () => {
      const rig = await newRig({ poolSize: 1, demoProject: false });
      const process = rig.process();
      await rig.start(process, newProjectId());
      await rig.clock.advance(1_000);
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      rig.engine.faults = { at: (call, when) => (call === "bind" && when === "before" ? held : undefined) };
      const projectId = newProjectId();
      const waiting = rig.begin(process, projectId, { waitMs: 1_000 });
      await rig.clock.quiet();
      await rig.clock.advance(1_000);
      expect(await waiting).toMatchObject({ created: true, done: false, source: "pool" });
      release();
      const done = await rig.start(process, projectId);
      expect(done).toMatchObject({ created: false, done: true, session: { state: "active" } });
    });

    test("20 concurrent starts make one session and one container, and give one answer", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const all = await rig.run(Promise.all(Array.from({ length: 20 }, () => rig.begin(process, projectId))));
      expect(new Set(all.map((one) => one.session.id)).size).toBe(1);
      expect(all.filter((one) => one.created).length).toBe(1);
      // Who asked the database last may find it done already.
      const others = all.filter((one) => !one.created).map((one) => one.source);
      expect(others.filter((source) => source !== "joined" && source !== "reused")).toEqual([]);
      expect(others).toContain("joined");
      expect(rig.engine.effects.filter((one) => one.call === "create").length).toBe(1);
    });
  });
}
