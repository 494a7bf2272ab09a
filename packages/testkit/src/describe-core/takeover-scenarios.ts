import type { Store } from "@velocity/core";
import { expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, newProjectId, type Process, type Rig } from "../core-rig.ts";
import type { NewRig } from "./new-rig.ts";

/** A server that ends a session while another one is still bringing it up, at the worst moments. */
export function takeoverScenarios(newRig: NewRig): void {
  const endBy = async (rig: Rig, other: Process) => {
    const { items } = await rig.store.sessions.list({ states: ["pending"] }, { limit: 1 });
    const [session] = items;
    if (session === undefined) throw new Error("no session is starting");
    const ended = await other.core.sessions.terminate(LOCAL, session.id);
    expect(ended.session.state).toBe("terminated");
  };
  const boundTo = (rig: Rig) =>
    [...rig.engine.containers.values()].map((one) => one.identity.sessionId).filter((id) => id !== null);

  test("before the engine made its container: that container is destroyed before it ever runs", async () => {
    const rig = await newRig({ poolSize: 0, demoProject: false, soleOrchestrator: false });
    const [slow, other] = [rig.process(), rig.process()];
    rig.engine.faults = {
      at: (call, when) => (call === "create" && when === "before" ? endBy(rig, other) : undefined),
    };
    const starting = rig.start(slow, newProjectId());
    await expect(starting).rejects.toMatchObject({ code: "invalid_state" });
    expect(rig.engine.effects.map((one) => one.call)).toContain("create");
    expect(rig.engine.effects.map((one) => one.call)).not.toContain("start");
    expect(rig.engine.containers.size).toBe(0);
    expect(await rig.store.containers.listLive()).toEqual([]);
    expect(await brokenInvariants(rig, "rest")).toEqual([]);
  });

  test("before its container has a row: none is made", async () => {
    const rig = await newRig({ poolSize: 0, demoProject: false, soleOrchestrator: false });
    const other = rig.process();
    const { containers } = rig.store;
    const insert: Store["containers"]["insert"] = async (container) => {
      await endBy(rig, other);
      return containers.insert(container);
    };
    const slow = rig.process(undefined, { ...rig.store, containers: { ...containers, insert } });
    await expect(rig.start(slow, newProjectId())).rejects.toMatchObject({ code: "invalid_state" });
    expect(rig.engine.effects).toEqual([]);
    expect(await rig.store.containers.listLive()).toEqual([]);
  });

  test("before it claims a warm container: that one never becomes the ended session's", async () => {
    const rig = await newRig({ poolSize: 1, demoProject: false, soleOrchestrator: false });
    const other = rig.process();
    const { containers } = rig.store;
    let claims = 0;
    const claim: Store["containers"]["claim"] = async (key, to) => {
      if (++claims === 1) await endBy(rig, other);
      return containers.claim(key, to);
    };
    const slow = rig.process(undefined, { ...rig.store, containers: { ...containers, claim } });
    const first = await rig.start(slow, newProjectId());
    await rig.clock.advance(1_000);
    expect(rig.engine.containers.size).toBe(2);
    await expect(rig.start(slow, newProjectId())).rejects.toMatchObject({ code: "invalid_state" });
    expect(claims).toBe(1);
    expect(rig.engine.effects.filter((one) => one.call === "bind")).toEqual([]);
    expect(boundTo(rig)).toEqual([first.session.id]);
    await rig.run(slow.core.controllers.reconcile());
    expect(await brokenInvariants(rig, "rest")).toEqual([]);
  });
}
