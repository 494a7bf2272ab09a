import { userIdSchema, VelocityError } from "@velocity/contract";
import { expect, test } from "vitest";
import { brokenInvariants } from "../core-observer.ts";
import { LOCAL, newProjectId } from "../core-rig.ts";
import { turns } from "../manual-clock.ts";
import type { NewRig } from "./new-rig.ts";

const USER = {
  userId: userIdSchema.parse("00000000-0000-0000-0000-00000000000b"),
  role: "user",
  createsUnknownProjects: false,
} as const;

/** Projects that come, go and come again under their sessions. */
export function projectScenarios(newRig: NewRig): void {
  test("an empty project is set up from its template once, however many start it", async () => {
    const rig = await newRig();
    const process = rig.process();
    const projectId = newProjectId();
    await rig.store.projects.create(
      {
        id: projectId,
        name: "x",
        ownerId: LOCAL.userId,
        source: "template",
        template: "react",
        directory: null,
      },
      [],
      rig.clock.now(),
    );
    await rig.run(Promise.all([1, 2, 3].map(() => rig.begin(process, projectId))));
    const entries = await process.core.projects.entries(LOCAL, projectId);
    expect(entries.map((one) => [one.path, one.version])).toEqual([
      ["package.json", 2],
      ["src/App.jsx", 2],
    ]);
  });

  test("a project of a Git repository has its files; what cannot be fetched leaves no project behind", async () => {
    const rig = await newRig();
    const { core } = rig.process();
    const git = { url: "https://git.example/app.git", ref: "v1" };
    const id = newProjectId();
    rig.repository = async () => {
      throw new VelocityError("git_failed", "There is no repository at this address.");
    };
    await expect(rig.run(core.projects.create(USER, { id, name: "x", git }))).rejects.toMatchObject({
      code: "git_failed",
    });
    expect(await rig.store.projects.get(id)).toBeNull();

    const asked: unknown[] = [];
    rig.repository = async (source) => {
      asked.push(source);
      return [{ path: "a.txt", content: "a", encoding: "utf8" }];
    };
    const both = await rig.run(
      Promise.all([1, 2].map(() => core.projects.create(USER, { id, name: "x", git }))),
    );
    expect(both.map(({ created }) => created).sort()).toEqual([false, true]);
    expect(both[0]?.project).toMatchObject({ source: "git", template: null, version: 1 });
    expect((await core.projects.entries(USER, id)).map(({ path }) => path)).toEqual(["a.txt"]);
    expect(asked[0]).toEqual(git);
    const known = asked.length;
    expect((await core.projects.create(USER, { id, name: "x", git })).created).toBe(false);
    expect(asked).toHaveLength(known);

    const two = core.projects.create(USER, { name: "x", git, template: "react" });
    await expect(two).rejects.toMatchObject({
      code: "validation",
      errors: [{ path: "template" }, { path: "git" }],
    });
  });

  test("removing a project ends its sessions first", async () => {
    const rig = await newRig();
    const process = rig.process();
    const projectId = newProjectId();
    await rig.start(process, projectId);
    await rig.run(process.core.projects.remove(LOCAL, projectId));
    expect(rig.engine.containers.size).toBe(0);
    await expect(process.core.projects.get(LOCAL, projectId)).rejects.toMatchObject({ code: "not_found" });
  });

  test("what happened in a removed project stays readable by its owner; the rest is not found", async () => {
    const rig = await newRig();
    const { core } = rig.process();
    const { project } = await core.projects.create(USER, { name: "mine", template: "react" });
    const options = { projectId: project.id, forceNew: false, wait: true, waitMs: 60_000 };
    const { session } = await rig.run(core.sessions.start(USER, options));
    await rig.run(core.projects.remove(USER, project.id));

    expect((await core.sessions.get(USER, session.id)).session).toMatchObject({
      state: "terminated",
      operation: null,
      containerId: null,
      error: null,
    });
    const { items } = await core.sessions.history(USER, session.id, { limit: 10 });
    expect(items.map((entry) => entry.toState)).toEqual(["pending", "active", "terminated"]);
    expect(items.at(-1)?.reason).toBe("project removed");
    const listed = await core.sessions.list(USER, { projectId: project.id }, { limit: 10 });
    expect(listed.items.map((one) => one.session.id)).toEqual([session.id]);
    expect(await core.routing.resolve(session.id)).toEqual({ kind: "missing" });
    const ended = AbortSignal.timeout(10_000);
    const states: unknown[] = [];
    for await (const event of await core.sessions.events(USER, session.id, null, ended)) {
      if (event.type === "state") states.push(event.data.state);
      if (states.at(-1) === "terminated") break;
    }
    expect(states).toEqual(["pending", "active", "terminated"]);
    const lines = [];
    for await (const line of await core.sessions.logs(USER, session.id, { follow: false, signal: ended }))
      lines.push(line);
    expect(lines).toEqual([]);

    const missing = { code: "not_found" };
    const { projects, sessions } = core;
    await expect(projects.get(USER, project.id)).rejects.toMatchObject(missing);
    await expect(projects.entries(USER, project.id)).rejects.toMatchObject(missing);
    await expect(projects.file(USER, project.id, "package.json")).rejects.toMatchObject(missing);
    await expect(projects.versions(USER, project.id, "package.json")).rejects.toMatchObject(missing);
    await expect(projects.putFiles(USER, project.id, { deletes: ["a"] })).rejects.toMatchObject(missing);
    await expect(projects.rename(USER, project.id, "x")).rejects.toMatchObject(missing);
    await expect(projects.remove(USER, project.id)).rejects.toMatchObject(missing);
    await expect(sessions.start(USER, options)).rejects.toMatchObject(missing);
    const over = { code: "invalid_state" };
    for (const verb of ["stop", "resume", "heartbeat"] as const)
      await expect(rig.run(sessions[verb](USER, session.id))).rejects.toMatchObject(over);
    await expect(rig.run(sessions.restart(USER, session.id, "container"))).rejects.toMatchObject(over);
    const command = { command: ["true"], timeoutMs: 1_000 };
    await expect(rig.run(sessions.exec(USER, session.id, command, ended))).rejects.toMatchObject(over);
    const other = { ...USER, userId: userIdSchema.parse("00000000-0000-0000-0000-00000000000c") };
    await expect(sessions.history(other, session.id, { limit: 1 })).rejects.toMatchObject(missing);
  });

  test("a project whose session cannot be confirmed gone is not removed, and can be later", async () => {
    const rig = await newRig();
    const process = rig.process();
    const projectId = newProjectId();
    await rig.start(process, projectId);
    rig.engine.faults = { liesAtDestroy: () => true };
    await expect(rig.run(process.core.projects.remove(LOCAL, projectId))).rejects.toMatchObject({
      code: "driver_failed",
    });
    expect((await process.core.projects.get(LOCAL, projectId)).id).toBe(projectId);
    rig.engine.faults = {};
    await rig.run(process.core.projects.remove(LOCAL, projectId));
    expect(await brokenInvariants(rig, "rest")).toEqual([]);
  });

  test("a start that meets the removal of its project at any point leaves nothing that runs", async () => {
    const outcomes = new Set<string>();
    for (let turn = 0; turn < 40; turn++) {
      const rig = await newRig({ poolSize: 0, demoProject: false, soleOrchestrator: false });
      // Two servers, so that nothing but the store can tell the one that starts.
      const [one, other] = [rig.process(), rig.process()];
      const { project } = await one.core.projects.create(USER, { name: "mine", template: "react" });
      const options = { projectId: project.id, forceNew: false, wait: true, waitMs: 60_000 };
      const starting = one.core.sessions.start(USER, options);
      starting.catch(() => {});
      await turns(turn);
      const both = Promise.allSettled([starting, other.core.projects.remove(USER, project.id)]);
      const [started, removed] = await rig.run(both);
      expect(removed.status, `removed after ${turn} turns`).toBe("fulfilled");
      if (started.status === "rejected") expect(started.reason).toBeInstanceOf(VelocityError);
      outcomes.add(started.status === "rejected" ? started.reason.code : "started");
      const { items } = await rig.store.sessions.list({}, { limit: 10 });
      expect(items.filter((session) => session.state !== "terminated")).toEqual([]);
      expect(await brokenInvariants(rig, "rest"), `removed after ${turn} turns`).toEqual([]);
    }
    expect([...outcomes]).not.toContain("internal");
    expect(outcomes.size).toBeGreaterThan(1);
  });

  test("a start whose project is removed just before its row is written ends as not found", async () => {
    const rig = await newRig({ poolSize: 0, demoProject: false, soleOrchestrator: false });
    const other = rig.process();
    const { project } = await other.core.projects.create(USER, { name: "mine", template: "react" });
    const { sessions } = rig.store;
    const insert: typeof sessions.insert = async (session, reason) => {
      await other.core.projects.remove(USER, project.id);
      return sessions.insert(session, reason);
    };
    const slow = rig.process(undefined, { ...rig.store, sessions: { ...sessions, insert } });
    const options = { projectId: project.id, forceNew: false, wait: true, waitMs: 60_000 };
    const starting = rig.run(slow.core.sessions.start(USER, options));
    await expect(starting).rejects.toMatchObject({ code: "not_found" });
    const { items } = await rig.store.sessions.list({}, { limit: 10 });
    expect(items).toMatchObject([{ state: "terminated", operation: null, error: { code: "not_found" } }]);
    expect(await brokenInvariants(rig, "rest")).toEqual([]);
  });

  test("a session that starts while its project is being removed is ended too", async () => {
    const rig = await newRig({ poolSize: 0, demoProject: false, soleOrchestrator: false });
    const one = rig.process();
    const { project } = await one.core.projects.create(USER, { name: "mine", template: "react" });
    const options = { projectId: project.id, forceNew: false, wait: true, waitMs: 60_000 };
    const started: string[] = [];
    const { projects } = rig.store;
    const remove: typeof projects.remove = async (id) => {
      const { session } = await one.core.sessions.start(USER, options);
      started.push(session.state);
      return projects.remove(id);
    };
    const slow = rig.process(undefined, { ...rig.store, projects: { ...projects, remove } });
    await rig.run(slow.core.projects.remove(USER, project.id));
    expect(started).toEqual(["active"]);
    const { items } = await rig.store.sessions.list({}, { limit: 10 });
    expect(items.map((session) => session.state)).toEqual(["terminated"]);
    expect(await brokenInvariants(rig, "rest")).toEqual([]);
  });

  test("an id that is used again for another project runs that one's files and plan", async () => {
    const rig = await newRig();
    const process = rig.process();
    const projectId = newProjectId();
    await rig.start(process, projectId);
    await rig.run(process.core.projects.remove(LOCAL, projectId));
    await rig.clock.advance(1);
    const files = [{ path: "velocity.json", content: "another-server" }];
    await rig.run(process.core.projects.create(LOCAL, { id: projectId, name: "again", files }));
    await rig.start(process, projectId);
    const [container] = rig.engine.containers.values();
    expect(container?.run?.command).toEqual(["another-server"]);
    expect([...(container?.files.keys() ?? [])]).toEqual(["velocity.json"]);
  });
}
