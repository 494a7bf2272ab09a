import { type SessionId, VelocityError } from "@velocity/contract";
import type { StartOutcome, Store } from "@velocity/core";
import { expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, newProjectId, type Process, type Rig } from "../core-rig.ts";
import { turns } from "../manual-clock.ts";
import type { NewRig } from "./new-rig.ts";

const VERBS = [
  "start",
  "start",
  "start",
  "forceNew",
  "stop",
  "hibernate",
  "resume",
  "replace",
  "terminate",
  "reconcile",
] as const;
const CALLS_PER_ROUND = 8;

/**
 * Two servers on one database, neither alone: both are asked for things of one (project, user) at once, round after
 * round, while an observer looks on. `secondStore`: the second server's own connections to that database.
 */
export function raceScenario(
  newRig: NewRig,
  { rounds, seed = 1, secondStore }: { rounds: number; seed?: number; secondStore?: () => Store },
): void {
  test(`two servers that get requests for one project at once, ${rounds} rounds, break no invariant`, async () => {
    const rig = await newRig({ poolSize: 1, demoProject: false, soleOrchestrator: false });
    const servers = [rig.process(), rig.process(undefined, secondStore?.())] as const;
    const projectId = newProjectId();
    const answered = answeredGenerations(rig);
    const random = seeded(seed);
    const handedOut: { outcome: StartOutcome; known: boolean }[] = [];
    let refused = 0;

    const ask = async (server: Process): Promise<void> => {
      const verb = VERBS[Math.floor(random() * VERBS.length)] ?? "start";
      const { items } = await rig.store.sessions.list({ projectId }, { limit: 1 });
      const id = items[0]?.id;
      try {
        if (verb === "reconcile") await server.core.controllers.reconcile();
        else if (verb === "start" || verb === "forceNew" || id === undefined) {
          const outcome = await rig.begin(server, projectId, { forceNew: verb === "forceNew" });
          const { id: started, generation, state } = outcome.session;
          if (outcome.done && state === "active")
            handedOut.push({ outcome, known: answered.has(`${started} ${generation}`) });
        } else if (verb === "hibernate") await server.core.sessions.suspend(LOCAL, id, "hibernated");
        else if (verb === "replace") await server.core.sessions.restart(LOCAL, id, "container");
        else await server.core.sessions[verb](LOCAL, id);
      } catch (error) {
        // A typed refusal is an answer; anything else is a fault of core.
        if (!(error instanceof VelocityError) || error.code === "internal") throw error;
        refused++;
      }
    };

    for (let round = 0; round < rounds; round++) {
      const asked: Promise<void>[] = [];
      for (let n = 0; n < CALLS_PER_ROUND; n++) {
        asked.push(ask(servers[n % 2 === 0 ? 0 : 1]));
        await turns(Math.floor(random() * 12));
      }
      let over = false;
      const all = Promise.all(asked).finally(() => {
        over = true;
      });
      all.catch(() => {});
      const watched = (async () => {
        while (!over) {
          expect(await brokenInvariants(rig, "any time"), `in round ${round}`).toEqual([]);
          await turns(5);
        }
      })();
      await rig.run(Promise.all([all, watched]));
      expect(await brokenInvariants(rig, "rest"), `after round ${round}`).toEqual([]);
    }
    expect(handedOut.filter((one) => !one.known)).toEqual([]);
    expect(handedOut.length).toBeGreaterThan(rounds);
    expect(refused).toBeGreaterThan(0);
    for (const server of servers) {
      const { session } = await rig.start(server, projectId);
      expect(session).toMatchObject({ state: "active", error: null });
    }
    expect(await brokenInvariants(rig, "rest")).toEqual([]);
  }, 120_000);
}

/** Every (session, generation) that said its identity to someone who asked. */
function answeredGenerations(rig: Rig): ReadonlySet<string> {
  const answered = new Set<string>();
  rig.engine.faults = {
    at(call, when, containerId) {
      if (call !== "identity" || when !== "after" || containerId === null) return;
      const identity = rig.engine.containers.get(containerId)?.identity;
      const sessionId: SessionId | null = identity?.sessionId ?? null;
      if (identity !== undefined && sessionId !== null) answered.add(`${sessionId} ${identity.generation}`);
    },
  };
  return answered;
}

/** A small generator (mulberry32), so that a run can be repeated. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
