import { userIdSchema } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, NO_POOL, newProjectId } from "../core-rig.ts";
import type { NewRig } from "./new-rig.ts";

const SOMEONE = {
  userId: userIdSchema.parse("00000000-0000-0000-0000-00000000000a"),
  role: "user",
  createsUnknownProjects: false,
} as const;

export function reuseScenarios(newRig: NewRig): void {
  describe("reuse", () => {
    test("an active session is handed out as it is", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const first = await rig.start(process, projectId);
      const second = await rig.start(process, projectId);
      expect(second).toMatchObject({ created: false, reused: true, source: "reused" });
      expect(second.session.id).toBe(first.session.id);
      expect(rig.engine.effects.filter((one) => one.call === "create").length).toBe(1);
    });

    test("an unhealthy one is brought back before it is handed out", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      for (const container of rig.engine.containers.values()) rig.engine.kill(container);
      const again = await rig.start(process, projectId);
      expect(again.session).toMatchObject({ id: session.id, state: "active", generation: 2 });
      expect(await brokenInvariants(rig, "rest")).toEqual([]);
    });

    test("forceNew ends the old persistent session and puts a new one in its place", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const first = await rig.start(process, projectId);
      const second = await rig.start(process, projectId, { forceNew: true });
      expect(second).toMatchObject({ created: true, reused: false, source: "cold" });
      expect(second.session.id).not.toBe(first.session.id);
      expect((await process.core.sessions.get(LOCAL, first.session.id)).session.state).toBe("terminated");
      expect(rig.engine.containers.size).toBe(1);
    });

    test("forceNew with resources that are refused leaves the old session as it is", async () => {
      const rig = await newRig({ poolSize: 0, demoProject: false, tier: "free" });
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      const greedy = { forceNew: true, resources: { memoryMb: 1_000_000 } };
      await expect(rig.start(process, projectId, greedy)).rejects.toMatchObject({ code: "validation" });
      expect((await process.core.sessions.get(LOCAL, session.id)).session.state).toBe("active");
    });

    test("ephemeral sessions coexist with the persistent one, and stop ends them", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const persistent = await rig.start(process, projectId);
      const ephemeral = await rig.start(process, projectId, { mode: "ephemeral" });
      const another = await rig.start(process, projectId, { mode: "ephemeral", forceNew: true });
      expect(new Set([persistent, ephemeral, another].map((one) => one.session.id)).size).toBe(3);
      const stopped = await rig.run(process.core.sessions.stop(LOCAL, another.session.id));
      expect(stopped.session.state).toBe("terminated");
      expect(rig.engine.containers.size).toBe(2);
    });

    test("auto is persistent where the driver can suspend, ephemeral where it keeps nothing", async () => {
      const keeps = await newRig(NO_POOL, { suspend: "disk" });
      const session = await keeps.start(keeps.process(), newProjectId());
      expect(session.session.mode).toBe("persistent");
      const forgets = await newRig(NO_POOL, { suspend: "none" });
      expect((await forgets.start(forgets.process(), newProjectId())).session.mode).toBe("ephemeral");
    });

    test("a stop hibernates where the driver cannot freeze", async () => {
      const rig = await newRig(NO_POOL, { suspend: "disk" });
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      const stopped = await rig.run(process.core.sessions.stop(LOCAL, session.id));
      expect(stopped.session).toMatchObject({ state: "suspended", level: "hibernated" });
    });

    test("another environment restarts the dev server with it, in the same container", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const first = await rig.start(process, projectId, { env: { A: "1" } });
      const second = await rig.start(process, projectId, { env: { A: "2" } });
      expect(second.session).toMatchObject({ id: first.session.id, generation: 1, env: { A: "2" } });
      const [container] = rig.engine.containers.values();
      expect(container?.run?.env).toEqual({ A: "2" });
    });

    test("wait: false answers at once, and the start goes on", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const begun = await rig.start(process, projectId, { wait: false });
      expect(begun).toMatchObject({ created: true, done: false, session: { state: "pending" } });
      const joined = await rig.start(process, projectId);
      expect(joined.session).toMatchObject({ id: begun.session.id, state: "active" });
    });
  });

  describe("waking", () => {
    test("100 wakes at once cause one thaw", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      await rig.run(process.core.sessions.stop(LOCAL, session.id));
      await rig.run(Promise.all(Array.from({ length: 100 }, () => process.core.routing.wake(session.id))));
      expect(rig.engine.effects.filter((one) => one.call === "resume").length).toBe(1);
      expect(await process.core.routing.resolve(session.id)).toMatchObject({ kind: "live" });
    });

    test("a wake that meets a terminate says that the session is over, or comes first", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { session } = await rig.start(process, newProjectId());
      await rig.run(process.core.sessions.stop(LOCAL, session.id));
      const [woken] = await rig.run(
        Promise.allSettled([
          process.core.routing.wake(session.id),
          process.core.sessions.terminate(LOCAL, session.id),
        ]),
      );
      if (woken.status === "rejected") expect(woken.reason).toMatchObject({ code: "invalid_state" });
      expect((await process.core.sessions.get(LOCAL, session.id)).session.state).toBe("terminated");
      expect(await brokenInvariants(rig, "rest")).toEqual([]);
    });

    test("the route is told at every change that matters", async () => {
      const rig = await newRig();
      const process = rig.process();
      const seen: string[] = [];
      const { session } = await rig.start(process, newProjectId());
      const stop = process.core.routing.onRouteChange(async (id) => {
        seen.push((await process.core.routing.resolve(id)).kind);
      });
      await rig.run(process.core.sessions.stop(LOCAL, session.id));
      await rig.run(process.core.routing.wake(session.id));
      await rig.run(process.core.sessions.terminate(LOCAL, session.id));
      stop();
      expect(seen.filter((kind, n) => kind !== seen[n - 1])).toEqual([
        "asleep",
        "starting",
        "live",
        "missing",
      ]);
    });
  });

  describe("rights", () => {
    test("a session and a project of someone else look like missing ones", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      const { sessions, projects } = process.core;
      const refused = { code: "not_found" };
      await expect(sessions.get(SOMEONE, session.id)).rejects.toMatchObject(refused);
      await expect(sessions.terminate(SOMEONE, session.id)).rejects.toMatchObject(refused);
      await expect(projects.get(SOMEONE, projectId)).rejects.toMatchObject(refused);
      const start = { projectId, forceNew: false, wait: true, waitMs: 1_000 };
      await expect(sessions.start(SOMEONE, start)).rejects.toMatchObject(refused);
      await expect(sessions.start(SOMEONE, { ...start, projectId: newProjectId() })).rejects.toMatchObject(
        refused,
      );
      expect((await sessions.list(SOMEONE, {}, { limit: 10 })).items).toEqual([]);
    });

    test("an unknown template is named in the error, and nothing is made", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      await expect(rig.start(process, projectId, { template: "cobol" })).rejects.toMatchObject({
        code: "validation",
        publicMessage: expect.stringContaining("cobol"),
      });
      expect(await rig.store.projects.get(projectId)).toBeNull();
    });
  });
}
