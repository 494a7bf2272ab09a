import type { ProjectId, SessionId } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, newProjectId, type Process, type Rig } from "../core-rig.ts";
import type { NewRig } from "./new-rig.ts";

interface Scene {
  readonly rig: Rig;
  readonly projectId: ProjectId;
  /** The session that was there before, where the scenario has one. */
  readonly sessionId: SessionId | null;
}

interface Scenario {
  /** Brought about by a first process that never crashes. */
  readonly before: "nothing" | "active" | "frozen" | "hibernated" | "lost";
  act(process: Process, scene: Scene): Promise<unknown>;
  /** The states that are right after the server came back. */
  readonly after: readonly string[];
}

const idOf = (scene: Scene) => {
  if (scene.sessionId === null) throw new Error("this scenario has no session yet");
  return scene.sessionId;
};

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  start: {
    before: "nothing",
    act: (process, { rig, projectId }) => rig.begin(process, projectId),
    after: ["active"],
  },
  freeze: {
    before: "active",
    act: (process, scene) => process.core.sessions.stop(LOCAL, idOf(scene)),
    after: ["suspended frozen", "active"],
  },
  hibernate: {
    before: "active",
    act: (process, scene) => process.core.sessions.suspend(LOCAL, idOf(scene), "hibernated"),
    after: ["suspended hibernated", "active"],
  },
  "hibernate from frozen": {
    before: "frozen",
    act: (process, scene) => process.core.sessions.suspend(LOCAL, idOf(scene), "hibernated"),
    after: ["suspended hibernated", "suspended frozen"],
  },
  "resume from frozen": {
    before: "frozen",
    act: (process, scene) => process.core.sessions.resume(LOCAL, idOf(scene)),
    after: ["active", "suspended frozen"],
  },
  "resume from hibernated": {
    before: "hibernated",
    act: (process, scene) => process.core.sessions.resume(LOCAL, idOf(scene)),
    after: ["active", "suspended hibernated"],
  },
  "resume without a container": {
    before: "lost",
    act: (process, scene) => process.core.sessions.resume(LOCAL, idOf(scene)),
    after: ["active", "suspended hibernated"],
  },
  replace: {
    before: "active",
    act: (process, scene) => process.core.sessions.restart(LOCAL, idOf(scene), "container"),
    after: ["active"],
  },
  restart: {
    before: "active",
    act: (process, scene) => process.core.sessions.restart(LOCAL, idOf(scene), "server"),
    after: ["active"],
  },
  terminate: {
    before: "active",
    act: (process, scene) => process.core.sessions.terminate(LOCAL, idOf(scene)),
    after: ["terminated ", "active"],
  },
};

async function setUp(newRig: NewRig, scenario: Scenario): Promise<Scene> {
  const rig = await newRig();
  const projectId = newProjectId();
  if (scenario.before === "nothing") return { rig, projectId, sessionId: null };
  const first = rig.process();
  const { session } = await rig.start(first, projectId);
  if (scenario.before === "frozen") await rig.run(first.core.sessions.stop(LOCAL, session.id));
  if (scenario.before === "hibernated" || scenario.before === "lost") {
    await rig.run(first.core.sessions.suspend(LOCAL, session.id, "hibernated"));
  }
  if (scenario.before === "lost") rig.engine.containers.clear();
  await rig.run(first.core.controllers.shutdown("leave"));
  first.kill();
  return { rig, projectId, sessionId: session.id };
}

/** Every place where the process may be killed, in the order they are passed: fail-points and calls of the engine. */
async function placesOf(newRig: NewRig, scenario: Scenario): Promise<readonly string[]> {
  const scene = await setUp(newRig, scenario);
  const places: string[] = [];
  const process = scene.rig.process((name) => {
    places.push(name);
  });
  scene.rig.engine.faults = {
    at(call, when) {
      places.push(`${when} ${call}`);
    },
  };
  await scene.rig.run(scenario.act(process, scene));
  return [...new Set(places)];
}

async function crashAt(newRig: NewRig, scenario: Scenario, place: string): Promise<Scene> {
  const scene = await setUp(newRig, scenario);
  let reached = false;
  const process = scene.rig.process((name, kill) => {
    if (name !== place || reached) return;
    reached = true;
    kill();
    return new Promise<void>(() => {});
  });
  scene.rig.engine.faults = {
    at(call, when) {
      if (`${when} ${call}` !== place || reached) return undefined;
      reached = true;
      process.kill();
      // Before: the request never left; after: the reply is lost.
      return when === "before" ? new Promise<void>(() => {}) : undefined;
    },
  };
  scenario.act(process, scene).catch(() => {});
  for (let n = 0; n < 200 && !reached; n++) await scene.rig.clock.quiet(3);
  expect(reached, `${place} was reached`).toBe(true);
  scene.rig.engine.faults = {};
  return scene;
}

async function converge(rig: Rig): Promise<void> {
  const next = rig.process();
  for (let pass = 0; pass < 8; pass++) {
    await rig.run(next.core.controllers.reconcile());
    await rig.clock.advance(15_000);
  }
}

export function crashScenarios(newRig: NewRig): void {
  describe.each(Object.entries(SCENARIOS))("killed during %s", (_name, scenario) => {
    test("at every step, the next server brings the session where it belongs and leaves nothing behind", async () => {
      const places = await placesOf(newRig, scenario);
      expect(places.length).toBeGreaterThan(3);
      for (const place of places) {
        const scene = await crashAt(newRig, scenario, place);
        await converge(scene.rig);
        expect(await brokenInvariants(scene.rig, "rest"), `after a kill at ${place}`).toEqual([]);
        const { items } = await scene.rig.store.sessions.list({}, { limit: 10 });
        const states = items.map((one) => `${one.state} ${one.level ?? ""}`.replace("active ", "active"));
        expect(scenario.after, `after a kill at ${place}`).toEqual(expect.arrayContaining(states));
        // It still works: the same session where it lives, and one container for it.
        const again = await scene.rig.start(scene.rig.process(), scene.projectId);
        expect(again.session.state, `started after a kill at ${place}`).toBe("active");
        expect(await brokenInvariants(scene.rig, "rest"), `started after a kill at ${place}`).toEqual([]);
      }
    });
  });
}
