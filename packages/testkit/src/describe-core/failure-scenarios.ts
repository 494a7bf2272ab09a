import { VelocityError } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, newProjectId } from "../core-rig.ts";
import type { EngineCall } from "../fake-driver/fake-engine.ts";
import type { NewRig } from "./new-rig.ts";

const failing = (
  call: EngineCall,
  when: "before" | "after",
  code: "driver_failed" | "disk_full" = "driver_failed",
) => ({
  at(seen: EngineCall, at: "before" | "after") {
    if (seen === call && at === when) throw new VelocityError(code, "The engine failed.");
  },
});

export function failureScenarios(newRig: NewRig): void {
  describe("a first start that the platform fails", () => {
    test.each([
      ["create", "before"],
      ["create", "after"],
      ["start", "before"],
      ["start", "after"],
    ] as const)(
      "%s failing %s its effect ends the session with the code and leaves no container",
      async (call, when) => {
        const rig = await newRig();
        const process = rig.process();
        rig.engine.faults = failing(call, when, "disk_full");
        await expect(rig.start(process, newProjectId())).rejects.toMatchObject({ code: "disk_full" });
        const { items } = await rig.store.sessions.list({}, { limit: 10 });
        expect(items).toMatchObject([{ state: "terminated", error: { code: "disk_full" }, operation: null }]);
        expect(rig.engine.containers.size).toBe(0);
      },
    );

    test.each(["create", "start", "identity"] as const)(
      "%s that never answers ends with a typed error",
      async (call) => {
        const rig = await newRig();
        rig.engine.faults = { at: (seen) => (seen === call ? new Promise<void>(() => {}) : undefined) };
        const failed = await rig.start(rig.process(), newProjectId()).catch((error: unknown) => error);
        expect(failed).toBeInstanceOf(VelocityError);
        expect(rig.engine.containers.size).toBe(0);
        expect(await brokenInvariants(rig, "rest")).toEqual([]);
      },
    );

    test("a container that cannot be confirmed gone keeps its row until it is", async () => {
      const rig = await newRig();
      const process = rig.process();
      rig.engine.faults = { ...failing("start", "after"), liesAtDestroy: () => true };
      await expect(rig.start(process, newProjectId())).rejects.toMatchObject({ code: "driver_failed" });
      const [held] = (await rig.store.sessions.list({}, { limit: 1 })).items;
      expect(held).toMatchObject({ state: "pending", operation: { kind: "terminating" } });
      rig.engine.faults = {};
      await rig.run(process.core.controllers.reconcile());
      expect(rig.engine.containers.size).toBe(0);
      expect(await brokenInvariants(rig, "rest")).toEqual([]);
      const [ended] = (await rig.store.sessions.list({}, { limit: 1 })).items;
      expect(ended).toMatchObject({ state: "terminated", error: { code: "driver_failed" } });
    });

    test("everyone who joined gets the same error", async () => {
      const rig = await newRig();
      const process = rig.process();
      rig.engine.faults = failing("create", "before");
      const projectId = newProjectId();
      const all = await rig.run(
        Promise.allSettled(Array.from({ length: 5 }, () => rig.begin(process, projectId))),
      );
      for (const one of all) {
        expect(one).toMatchObject({ status: "rejected", reason: { code: "driver_failed" } });
      }
    });
  });

  describe("a project that does not run", () => {
    test("a dev server that exits gives an active session with the error, which ends when it listens", async () => {
      const rig = await newRig();
      const process = rig.process();
      rig.engine.behaviour = () => "exits";
      const { session } = await rig.start(process, newProjectId());
      expect(session).toMatchObject({ state: "active", error: { code: "server_exited" } });
      const [container] = rig.engine.containers.values();
      if (container === undefined) throw new Error("no container");
      rig.engine.server(container, "listening");
      await rig.clock.advance(10);
      expect((await process.core.sessions.get(LOCAL, session.id)).session.error).toBeNull();
      rig.engine.server(container, "failed", { code: "server_exited", message: "It exited.", log: ["x"] });
      await rig.clock.advance(10);
      expect((await process.core.sessions.get(LOCAL, session.id)).session.error).toEqual({
        code: "server_exited",
        message: "It exited.",
      });
    });

    test("one that never listens is said so after its time", async () => {
      const rig = await newRig();
      rig.engine.behaviour = () => "never";
      const { session } = await rig.start(rig.process(), newProjectId(), { waitMs: 600_000 });
      expect(session).toMatchObject({ state: "active", error: { code: "server_not_listening" } });
    });

    test("an install that fails gives a container that says so; a corrected package.json gets a new one", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      rig.workspace.installFails = true;
      const { session } = await rig.start(process, projectId);
      expect(session).toMatchObject({ state: "active", error: { code: "install_failed" } });
      const [failed] = rig.engine.containers.values();
      expect(failed?.server).toBe("failed");
      rig.workspace.installFails = false;
      const corrected = { files: [{ path: "package.json", content: '{"ok":1}' }] };
      await rig.run(process.core.projects.putFiles(LOCAL, projectId, corrected));
      await rig.clock.advance(5_000);
      const { session: now } = await process.core.sessions.get(LOCAL, session.id);
      expect(now).toMatchObject({ state: "active", error: null, generation: 2, operation: null });
      expect(rig.engine.containers.size).toBe(1);
    });
  });

  describe("a resume that fails", () => {
    test("goes back to sleep with the error, keeps the workspace, and may be tried again", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      await rig.run(process.core.sessions.suspend(LOCAL, session.id, "hibernated"));
      rig.engine.faults = failing("start", "before");
      await expect(rig.run(process.core.sessions.resume(LOCAL, session.id))).rejects.toMatchObject({
        code: "driver_failed",
      });
      const asleep = await process.core.sessions.get(LOCAL, session.id);
      expect(asleep.session).toMatchObject({
        state: "suspended",
        level: "hibernated",
        operation: null,
        containerId: session.containerId,
        error: { code: "driver_failed" },
      });
      rig.engine.faults = {};
      const awake = await rig.run(process.core.sessions.resume(LOCAL, session.id));
      expect(awake.session).toMatchObject({ state: "active", error: null, containerId: session.containerId });
    });

    test("a freeze that cannot be undone costs the memory, not the workspace", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      await rig.run(process.core.sessions.stop(LOCAL, session.id));
      const [container] = rig.engine.containers.values();
      if (container === undefined) throw new Error("no container");
      rig.engine.kill(container);
      const awake = await rig.run(process.core.sessions.resume(LOCAL, session.id));
      expect(awake.session).toMatchObject({
        state: "active",
        generation: 2,
        containerId: session.containerId,
      });
    });
  });

  describe("a suspend that fails", () => {
    test("leaves the session active where the engine did nothing", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      rig.engine.faults = failing("suspend", "before");
      await expect(rig.run(process.core.sessions.stop(LOCAL, session.id))).rejects.toMatchObject({
        code: "driver_failed",
      });
      const { session: now } = await process.core.sessions.get(LOCAL, session.id);
      expect(now).toMatchObject({ state: "active", operation: null });
    });

    test("is a success where the engine did it and lost the answer", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      rig.engine.faults = failing("suspend", "after");
      const stopped = await rig.run(process.core.sessions.stop(LOCAL, session.id));
      expect(stopped.session).toMatchObject({ state: "suspended", level: "frozen" });
    });
  });

  describe("terminate", () => {
    test("a destroy that lies is tried three times, and the row stays until the container is gone", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      rig.engine.faults = { liesAtDestroy: () => true };
      await expect(rig.run(process.core.sessions.terminate(LOCAL, session.id))).rejects.toMatchObject({
        code: "driver_failed",
      });
      expect(rig.engine.effects.filter((one) => one.call === "destroy").length).toBe(3);
      const held = await process.core.sessions.get(LOCAL, session.id);
      expect(held.session).toMatchObject({ state: "active", operation: { kind: "terminating" } });
      expect(await process.core.routing.resolve(session.id)).toEqual({ kind: "missing" });
      rig.engine.faults = {};
      const ended = await rig.run(process.core.sessions.terminate(LOCAL, session.id));
      expect(ended.session.state).toBe("terminated");
    });

    test("takes over a start that hangs; the starter is told, and nothing is left", async () => {
      const rig = await newRig();
      const process = rig.process();
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      rig.engine.faults = { at: (call, when) => (call === "start" && when === "before" ? held : undefined) };
      const starting = rig.begin(process, newProjectId());
      starting.catch(() => {});
      const id = await rig.run(
        (async () => {
          for (;;) {
            const [one] = (await rig.store.sessions.list({}, { limit: 1 })).items;
            if (one !== undefined && rig.engine.containers.size > 0) return one.id;
            await new Promise((resolve) => setImmediate(resolve));
          }
        })(),
      );
      const ended = await rig.run(process.core.sessions.terminate(LOCAL, id));
      expect(ended.session.state).toBe("terminated");
      await expect(starting).rejects.toMatchObject({ code: "invalid_state" });
      release();
      await rig.clock.advance(1_000);
      expect(await brokenInvariants(rig, "rest")).toEqual([]);
    });

    test("a stop while it starts waits for the start, then suspends", async () => {
      const rig = await newRig();
      const process = rig.process();
      const starting = rig.begin(process, newProjectId());
      const [id] = await rig.run(
        (async () => {
          for (;;) {
            const { items } = await rig.store.sessions.list({}, { limit: 1 });
            if (items.length > 0) return items.map((one) => one.id);
          }
        })(),
      );
      if (id === undefined) throw new Error("no session");
      const stopped = await rig.run(process.core.sessions.stop(LOCAL, id));
      expect((await starting).done).toBe(true);
      expect(stopped.session).toMatchObject({ state: "suspended", level: "frozen" });
    });

    test("what cannot be done in a state is said with the state", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      await rig.run(process.core.sessions.terminate(LOCAL, session.id));
      for (const verb of ["stop", "resume", "heartbeat"] as const) {
        await expect(rig.run(process.core.sessions[verb](LOCAL, session.id))).rejects.toMatchObject({
          code: "invalid_state",
          publicMessage: expect.stringContaining("terminated"),
        });
      }
    });
  });

  describe("uncertainty", () => {
    test("a list that fails changes nothing", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      rig.engine.faults = failing("list", "before");
      for (let pass = 0; pass < 3; pass++) {
        await expect(rig.run(process.core.controllers.reconcile())).rejects.toMatchObject({
          code: "driver_failed",
        });
      }
      rig.engine.faults = {};
      expect((await process.core.sessions.get(LOCAL, session.id)).session).toEqual(session);
      expect(rig.engine.containers.size).toBe(1);
    });
  });
}
