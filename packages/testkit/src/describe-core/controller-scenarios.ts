import { containerIdSchema, DEMO_PROJECT_ID } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, newProjectId, type Rig, TEMPLATE } from "../core-rig.ts";
import type { NewRig } from "./new-rig.ts";

const statuses = (rig: Rig) => [...rig.engine.containers.values()].map((one) => one.status);

export function controllerScenarios(newRig: NewRig): void {
  describe("pool", () => {
    const POOL = { poolSize: 1, demoProject: false };

    test("the second start of a template takes a warm container, and another takes its place", async () => {
      const rig = await newRig(POOL);
      const process = rig.process();
      await rig.start(process, newProjectId());
      await rig.clock.advance(1_000);
      expect(rig.engine.containers.size).toBe(2);
      const second = await rig.start(process, newProjectId());
      expect(second).toMatchObject({ source: "pool", session: { state: "active", generation: 1 } });
      await rig.clock.advance(1_000);
      expect(rig.engine.containers.size).toBe(3);
      expect(await brokenInvariants(rig, "rest")).toEqual([]);
    });

    test("a claim writes only what differs, and a dev server with another environment is restarted", async () => {
      const rig = await newRig(POOL);
      const process = rig.process();
      const projectId = newProjectId();
      await rig.start(process, newProjectId());
      await rig.clock.advance(1_000);
      await process.core.projects.create(LOCAL, { id: projectId, name: "mine", files: [...TEMPLATE] });
      await rig.run(
        process.core.projects.putFiles(LOCAL, projectId, {
          files: [{ path: "src/App.jsx", content: "mine" }],
        }),
      );
      const { session, source } = await rig.start(process, projectId, { env: { A: "1" } });
      expect(source).toBe("pool");
      const container =
        session.containerId === null ? undefined : rig.engine.containers.get(session.containerId);
      expect(container?.files.get("src/App.jsx")?.content).toBe("mine");
      expect(container?.run?.env).toEqual({ A: "1" });
      expect(container?.boots).toBe(1);
    });

    test("a used container never comes back", async () => {
      const rig = await newRig(POOL);
      const process = rig.process();
      await rig.start(process, newProjectId());
      await rig.clock.advance(1_000);
      const { session } = await rig.start(process, newProjectId());
      await rig.run(process.core.sessions.terminate(LOCAL, session.id));
      const used = session.containerId;
      if (used === null) throw new Error("no container");
      expect(rig.engine.containers.has(used)).toBe(false);
      expect((await rig.store.containers.get(used))?.status).toBe("destroyed");
    });

    test("a member that fell over is not handed out, and is replaced", async () => {
      const rig = await newRig(POOL);
      const process = rig.process();
      const first = await rig.start(process, newProjectId());
      await rig.clock.advance(1_000);
      for (const one of rig.engine.containers.values()) {
        if (one.id !== first.session.containerId) rig.engine.kill(one);
      }
      const second = await rig.start(process, newProjectId());
      expect(second).toMatchObject({ source: "cold", session: { state: "active" } });
      await rig.run(process.core.controllers.reconcile());
      expect(await brokenInvariants(rig, "rest")).toEqual([]);
    });

    test("a template that does not start is not tried over and over", async () => {
      const rig = await newRig(POOL);
      const process = rig.process();
      await rig.start(process, newProjectId());
      rig.engine.behaviour = () => "exits";
      await rig.clock.advance(100);
      await process.core.controllers.start();
      const before = rig.engine.effects.filter((one) => one.call === "create").length;
      await rig.clock.advance(60_000);
      const after = rig.engine.effects.filter((one) => one.call === "create").length;
      expect(after - before).toBeLessThanOrEqual(4);
      await rig.run(process.core.controllers.shutdown("hibernate"));
      expect(rig.engine.containers.size).toBe(1);
    });
  });

  describe("leaving", () => {
    test("Ctrl-C hibernates every session, ends every process and empties the pool", async () => {
      const rig = await newRig({ poolSize: 1, demoProject: true });
      const process = rig.process();
      await rig.run(process.core.controllers.start());
      const { session } = await rig.start(process, DEMO_PROJECT_ID);
      const frozen = await rig.start(process, newProjectId());
      await rig.run(process.core.sessions.stop(LOCAL, frozen.session.id));
      await rig.clock.advance(1_000);
      const hanging = rig.begin(process, newProjectId());
      hanging.catch(() => {});
      await rig.run(process.core.controllers.shutdown("hibernate"));
      expect(statuses(rig).filter((status) => status === "running" || status === "suspended")).toEqual([]);
      expect((await rig.store.sessions.get(session.id))?.level).toBe("hibernated");
      await expect(rig.begin(process, newProjectId())).rejects.toMatchObject({ code: "shutting_down" });
      expect(rig.clock.sleeping).toBe(0);

      const next = rig.process();
      await rig.run(next.core.controllers.reconcile());
      const again = await rig.start(next, DEMO_PROJECT_ID);
      expect(again).toMatchObject({ source: "resumed", session: { id: session.id, state: "active" } });
      expect(await brokenInvariants(rig, "rest")).toEqual([]);
    });

    test("a rolling restart leaves containers running, and the next server adopts them", async () => {
      const rig = await newRig();
      const first = rig.process();
      const { session } = await rig.start(first, newProjectId());
      await rig.run(first.core.controllers.shutdown("leave"));
      first.kill();
      expect(statuses(rig)).toEqual(["running"]);
      const second = rig.process();
      await rig.run(second.core.controllers.reconcile());
      expect((await second.core.sessions.get(LOCAL, session.id)).session).toMatchObject({
        state: "active",
        generation: 1,
      });
      const [container] = rig.engine.containers.values();
      if (container === undefined) throw new Error("no container");
      rig.engine.server(container, "failed", { code: "server_exited", message: "It exited.", log: [] });
      await rig.clock.advance(100);
      expect((await second.core.sessions.get(LOCAL, session.id)).session.error?.code).toBe("server_exited");
      await rig.run(second.core.controllers.shutdown("leave"));
      expect(rig.clock.sleeping).toBe(0);
    });
  });

  describe("reconcile", () => {
    test("a container that died under an active session is booted again on its workspace", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      for (const one of rig.engine.containers.values()) rig.engine.kill(one);
      const { corrections } = await rig.run(process.core.controllers.reconcile());
      expect(corrections).toBe(1);
      const { session: now } = await process.core.sessions.get(LOCAL, session.id);
      expect(now).toMatchObject({ state: "active", generation: 2, containerId: session.containerId });
      expect((await rig.run(process.core.controllers.reconcile())).corrections).toBe(0);
    });

    test("one that vanished is missed twice before it is made anew from the project's files", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      rig.engine.containers.clear();
      expect((await rig.run(process.core.controllers.reconcile())).corrections).toBe(0);
      expect((await rig.run(process.core.controllers.reconcile())).corrections).toBe(1);
      const { session: now } = await process.core.sessions.get(LOCAL, session.id);
      expect(now.state).toBe("active");
      expect(now.containerId).not.toBe(session.containerId);
    });

    test("one that keeps dying ends asleep, not in a circle", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      for (let n = 0; n < 4; n++) {
        for (const one of rig.engine.containers.values()) rig.engine.kill(one);
        await rig.run(process.core.controllers.reconcile());
      }
      const { session: now } = await process.core.sessions.get(LOCAL, session.id);
      expect(now).toMatchObject({ state: "suspended", level: "hibernated", operation: null });
    });

    test("a container without a row is left alone while young, and destroyed when old, if it is ours", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      const [known] = rig.engine.containers.values();
      if (known === undefined) throw new Error("no container");
      const stranger = (install: string) => {
        const containerId = containerIdSchema.parse(newProjectId());
        const labels = { ...known.spec.labels, "velocity-install": install };
        rig.engine.create({ ...known.spec, containerId, labels });
        return containerId;
      };
      const ours = stranger(known.spec.installId);
      const theirs = stranger("someone else");
      await rig.run(process.core.controllers.reconcile());
      expect(rig.engine.containers.has(ours)).toBe(true);
      await rig.clock.advance(61_000);
      await rig.run(process.core.controllers.reconcile());
      expect(rig.engine.containers.has(ours)).toBe(false);
      expect(rig.engine.containers.has(theirs)).toBe(true);
      expect((await process.core.sessions.get(LOCAL, session.id)).session.state).toBe("active");
    });

    test("an idle session freezes, a session frozen for long hibernates, use keeps one awake", async () => {
      const rig = await newRig();
      const process = rig.process();
      await rig.run(process.core.controllers.start());
      const idle = await rig.start(process, newProjectId());
      const used = await rig.start(process, newProjectId());
      for (let minute = 0; minute < 16; minute++) {
        process.core.routing.touch(used.session.id);
        await rig.clock.advance(60_000);
      }
      const state = async (id: typeof idle.session.id) => {
        const { session } = await process.core.sessions.get(LOCAL, id);
        return `${session.state} ${session.level ?? ""}`;
      };
      expect(await state(idle.session.id)).toBe("suspended frozen");
      expect(await state(used.session.id)).toBe("active ");
      for (let minute = 0; minute < 31; minute++) {
        process.core.routing.touch(used.session.id);
        await rig.clock.advance(60_000);
      }
      expect(await state(idle.session.id)).toBe("suspended hibernated");
      expect(await state(used.session.id)).toBe("active ");
      await rig.run(process.core.controllers.shutdown("leave"));
    });

    test("a session past its age is terminated, except in the local tier", async () => {
      const rig = await newRig({ poolSize: 0, demoProject: false, tier: "pro" });
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      expect(session.expiresAt).not.toBeNull();
      await rig.clock.advance(25 * 3_600_000);
      await rig.run(process.core.controllers.reconcile());
      expect((await process.core.sessions.get(LOCAL, session.id)).session.state).toBe("terminated");
      expect(rig.engine.containers.size).toBe(0);
    });
  });
}
