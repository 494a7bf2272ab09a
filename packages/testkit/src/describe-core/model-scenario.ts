import { VelocityError } from "@velocity/contract";
import fc from "fast-check";
import { expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, newProjectId, type Process, type Rig } from "../core-rig.ts";
import type { EngineCall } from "../fake-driver/fake-engine.ts";
import { turns } from "../manual-clock.ts";
import type { NewRig } from "./new-rig.ts";

const CALLS = [
  "create",
  "start",
  "suspend",
  "resume",
  "stop",
  "destroy",
  "inspect",
  "list",
  "identity",
  "bind",
] as const;

type Step =
  | {
      readonly do: "start" | "forceNew" | "stop" | "hibernate" | "resume" | "terminate" | "replace";
      readonly who: 0 | 1;
    }
  | { readonly do: "save" | "dependencies"; readonly who: 0 | 1 }
  | { readonly do: "kill" | "vanish" | "crash" | "reconcile" | "heal" | "lie" }
  | { readonly do: "fault"; readonly call: EngineCall; readonly how: "before" | "after" | "hang" }
  | { readonly do: "time"; readonly ms: number };

const who = fc.constantFrom<(0 | 1)[]>(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("start" as const), who }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom(
        ...([
          "forceNew",
          "stop",
          "hibernate",
          "resume",
          "terminate",
          "replace",
          "save",
          "dependencies",
        ] as const),
      ),
      who,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...(["kill", "vanish", "crash", "reconcile", "heal", "lie"] as const)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom("fault" as const),
      call: fc.constantFrom(...CALLS),
      how: fc.constantFrom(...(["before", "after", "hang"] as const)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("time" as const),
      ms: fc.constantFrom(10, 1_000, 20_000, 70_000),
    }),
  },
);
/** So many turns that what was begun is over. */
const LONG = 200;
/** Steps, and how many turns of the event loop pass after each: the next one often meets the last one half-way. */
const script = fc.array(fc.tuple(step, fc.constantFrom(0, 1, 2, 5, 9, 20, LONG)), {
  minLength: 2,
  maxLength: 14,
});

class World {
  readonly rig: Rig;
  readonly projects = [newProjectId(), newProjectId()] as const;
  process: Process;

  constructor(rig: Rig) {
    this.rig = rig;
    this.process = rig.process();
  }

  async take(one: Step): Promise<void> {
    const { rig, process } = this;
    const { sessions, projects, controllers } = process.core;
    switch (one.do) {
      case "start":
        return ignore(rig.begin(process, this.projects[one.who]));
      case "forceNew":
        return ignore(rig.begin(process, this.projects[one.who], { forceNew: true }));
      case "save":
      case "dependencies": {
        const path = one.do === "save" ? "src/App.jsx" : "package.json";
        const files = [{ path, content: `${rig.engine.effects.length}` }];
        return ignore(projects.putFiles(LOCAL, this.projects[one.who], { files }));
      }
      case "stop":
      case "hibernate":
      case "resume":
      case "terminate":
      case "replace": {
        const projectId = this.projects[one.who];
        const { items } = await rig.store.sessions.list({ projectId }, { limit: 1 });
        const [session] = items;
        if (session === undefined) return;
        if (one.do === "hibernate") return ignore(sessions.suspend(LOCAL, session.id, "hibernated"));
        if (one.do === "replace") return ignore(sessions.restart(LOCAL, session.id, "container"));
        return ignore(sessions[one.do](LOCAL, session.id));
      }
      case "kill":
      case "vanish": {
        const [victim] = [...rig.engine.containers.values()].filter(
          (container) => container.status !== "created",
        );
        if (victim === undefined) return;
        if (one.do === "kill") rig.engine.kill(victim);
        else rig.engine.remove(victim.id);
        return;
      }
      case "crash":
        process.kill();
        this.process = rig.process();
        return;
      case "reconcile":
        return ignore(controllers.reconcile());
      case "heal":
        rig.engine.faults = {};
        return;
      case "lie":
        rig.engine.faults = { ...rig.engine.faults, liesAtDestroy: () => true };
        return;
      case "fault":
        rig.engine.faults = {
          ...rig.engine.faults,
          at(call, when) {
            if (call !== one.call || when !== (one.how === "after" ? "after" : "before")) return undefined;
            if (one.how === "hang") return new Promise<void>(() => {});
            throw new VelocityError("driver_failed", "The engine failed.");
          },
        };
        return;
      case "time":
        return rig.clock.advance(one.ms);
    }
  }

  async settle(): Promise<void> {
    this.rig.engine.faults = {};
    this.process.kill();
    this.process = this.rig.process();
    for (let pass = 0; pass < 8; pass++) {
      await this.rig.run(this.process.core.controllers.reconcile());
      await this.rig.clock.advance(15_000);
    }
  }
}

function ignore(work: Promise<unknown>): void {
  work.catch((error: unknown) => {
    // A typed refusal is an answer; anything else is a fault of core.
    if (!(error instanceof VelocityError) || error.code === "internal") throw error;
  });
}

/** Any script of requests, faults, crashes and passing time. */
export function modelScenario(newRig: NewRig, runs: number): void {
  test("whatever happens in whatever order, no invariant breaks, and everything comes to rest", async () => {
    await fc.assert(
      fc.asyncProperty(script, async (steps) => {
        const world = new World(await newRig({ poolSize: 1, demoProject: false }));
        for (const [one, pause] of steps) {
          await world.take(one);
          await (pause === LONG ? world.rig.clock.quiet(LONG) : turns(pause));
          expect(await brokenInvariants(world.rig, "any time")).toEqual([]);
        }
        await world.settle();
        expect(await brokenInvariants(world.rig, "rest")).toEqual([]);
        for (const projectId of world.projects) {
          const { session } = await world.rig.start(world.process, projectId);
          expect(session).toMatchObject({ state: "active", error: null });
        }
        expect(await brokenInvariants(world.rig, "rest")).toEqual([]);
      }),
      { numRuns: runs, interruptAfterTimeLimit: 20_000 },
    );
  }, 60_000);
}
