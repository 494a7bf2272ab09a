import { userIdSchema } from "@velocity/contract";
import { describe, expect, test } from "vitest";
import { LOCAL, newProjectId } from "../core-rig.ts";
import type { NewRig } from "./new-rig.ts";

const app = (content: string) => ({ files: [{ path: "src/App.jsx", content }] });

function only<T>(items: Iterable<T>): T {
  const [one, ...more] = items;
  if (one === undefined || more.length > 0) throw new Error(`${more.length + 1} instead of one`);
  return one;
}

export function fileScenarios(newRig: NewRig): void {
  describe("a saved file", () => {
    test("reaches every awake session of the project and is told as an event", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      const done = new AbortController();
      const events = await process.core.sessions.events(LOCAL, session.id, null, done.signal);
      const put = await rig.run(process.core.projects.putFiles(LOCAL, projectId, app("2")));
      expect(put).toEqual({ version: 2, sessionsNotified: 1 });
      expect(only(rig.engine.containers.values()).files.get("src/App.jsx")?.content).toBe("2");
      for await (const event of events) {
        if (event.type !== "file") continue;
        expect(event.data).toEqual({ version: 2, changed: ["src/App.jsx"], deleted: [] });
        done.abort();
      }
    });

    test.each(["frozen", "hibernated"] as const)("reaches a %s session when it wakes", async (level) => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      await rig.run(process.core.sessions.suspend(LOCAL, session.id, level));
      const put = await rig.run(process.core.projects.putFiles(LOCAL, projectId, app("2")));
      expect(put.sessionsNotified).toBe(0);
      await rig.run(process.core.projects.putFiles(LOCAL, projectId, { deletes: ["src/none.jsx"] }));
      await rig.run(process.core.sessions.resume(LOCAL, session.id));
      expect(only(rig.engine.containers.values()).files.get("src/App.jsx")?.content).toBe("2");
    });

    test.each(
      (["frozen", "hibernated"] as const).flatMap((level) => [
        [level, "the same"] as const,
        [level, "another"] as const,
      ]),
    )("and a deleted one reach a %s session when it wakes in %s server's life", async (level, life) => {
      const rig = await newRig();
      const first = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(first, projectId);
      await rig.run(
        first.core.projects.putFiles(LOCAL, projectId, { files: [{ path: "src/b.js", content: "b" }] }),
      );
      await rig.run(first.core.sessions.suspend(LOCAL, session.id, level));
      if (life === "another") {
        await rig.run(first.core.controllers.shutdown("leave"));
        first.kill();
      }
      const second = life === "another" ? rig.process() : first;
      expect(only(rig.engine.containers.values()).files.has("src/b.js")).toBe(true);
      await rig.run(second.core.projects.putFiles(LOCAL, projectId, { ...app("3"), deletes: ["src/b.js"] }));
      await rig.run(second.core.sessions.resume(LOCAL, session.id));
      const { files } = only(rig.engine.containers.values());
      expect(files.get("src/App.jsx")?.content).toBe("3");
      expect(files.has("src/b.js")).toBe(false);
    });

    test("behind the current version is a conflict that changes nothing", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      await rig.start(process, projectId);
      await rig.run(process.core.projects.putFiles(LOCAL, projectId, app("2")));
      const late = process.core.projects.putFiles(LOCAL, projectId, { ...app("3"), baseVersion: 1 });
      await expect(rig.run(late)).rejects.toMatchObject({ code: "conflict" });
      expect((await process.core.projects.file(LOCAL, projectId, "src/App.jsx")).content).toBe("2");
    });

    test("that changes the dependencies replaces the container; one that does not leaves it alone", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      await rig.run(process.core.projects.putFiles(LOCAL, projectId, app("2")));
      await rig.clock.advance(1_000);
      expect((await process.core.sessions.get(LOCAL, session.id)).session.generation).toBe(1);
      const manifest = { files: [{ path: "package.json", content: '{"more":1}' }] };
      await rig.run(process.core.projects.putFiles(LOCAL, projectId, manifest));
      await rig.clock.advance(1_000);
      const now = await process.core.sessions.get(LOCAL, session.id);
      expect(now.session).toMatchObject({ state: "active", generation: 2, operation: null });
      expect(only(rig.engine.containers.values()).spec.dependencies[0]?.key).toBe('{"more":1}');
    });

    test("that changes only the command is bound to the running container", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      const settings = { files: [{ path: "velocity.json", content: "other-server" }] };
      await rig.run(process.core.projects.putFiles(LOCAL, projectId, settings));
      await rig.clock.advance(1_000);
      expect(only(rig.engine.containers.values()).run?.command).toEqual(["other-server"]);
      expect((await process.core.sessions.get(LOCAL, session.id)).session.generation).toBe(1);
    });
  });

  describe("an imported archive", () => {
    async function* packed(
      ...files: readonly { path: string; content: string }[]
    ): AsyncGenerator<Uint8Array> {
      yield Buffer.from(JSON.stringify(files));
    }
    const manifest = { path: "package.json", content: '{"dependencies":{"vite":"8"}}' };

    test("becomes the project's files in one version, and its awake sessions get what differs", async () => {
      const rig = await newRig();
      const process = rig.process();
      const { core } = process;
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      const done = new AbortController();
      const events = await core.sessions.events(LOCAL, session.id, null, done.signal);
      const archive = packed(manifest, { path: "src/New.jsx", content: "new" });
      const put = await rig.run(core.projects.importArchive(LOCAL, projectId, archive));
      expect(put).toEqual({ version: 2, sessionsNotified: 1 });
      const entries = await core.projects.entries(LOCAL, projectId);
      expect(entries.map((one) => [one.path, one.version])).toEqual([
        ["package.json", 1],
        ["src/New.jsx", 2],
      ]);
      const { files } = only(rig.engine.containers.values());
      expect([...files.keys()].sort()).toEqual(["package.json", "src/New.jsx"]);
      for await (const event of events) {
        if (event.type !== "file") continue;
        expect(event.data).toEqual({ version: 2, changed: ["src/New.jsx"], deleted: ["src/App.jsx"] });
        done.abort();
      }
    });

    test("that is refused at its last entry changes nothing", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      await rig.start(process, projectId);
      const before = await process.core.projects.entries(LOCAL, projectId);
      const archive = packed(
        manifest,
        { path: "src/New.jsx", content: "new" },
        { path: "../x", content: "" },
      );
      const importing = process.core.projects.importArchive(LOCAL, projectId, archive);
      await expect(rig.run(importing)).rejects.toMatchObject({ code: "unsafe_archive" });
      expect(await process.core.projects.entries(LOCAL, projectId)).toEqual(before);
      expect((await process.core.projects.get(LOCAL, projectId)).version).toBe(1);
      expect(only(rig.engine.containers.values()).files.get("src/App.jsx")?.content).toBe("export default 1");
    });

    test("with other dependencies replaces the container", async () => {
      const rig = await newRig();
      const process = rig.process();
      const projectId = newProjectId();
      const { session } = await rig.start(process, projectId);
      const archive = packed({ path: "package.json", content: '{"more":1}' });
      await rig.run(process.core.projects.importArchive(LOCAL, projectId, archive));
      await rig.clock.advance(1_000);
      expect((await process.core.sessions.get(LOCAL, session.id)).session.generation).toBe(2);
      expect([...only(rig.engine.containers.values()).files.keys()]).toEqual(["package.json"]);
    });

    test("is not read for a project that is missing, someone else's, or a linked directory", async () => {
      const rig = await newRig();
      const { projects } = rig.process().core;
      let read = false;
      const archive: AsyncIterable<Uint8Array> = {
        async *[Symbol.asyncIterator]() {
          read = true;
          yield Buffer.from("[]");
        },
      };
      const { project } = await projects.create(LOCAL, { name: "mine", template: "react" });
      const other = {
        userId: userIdSchema.parse("00000000-0000-0000-0000-00000000000b"),
        role: "user",
        createsUnknownProjects: false,
      } as const;
      const linked = await projects.create(LOCAL, { name: "linked", directory: "/srv/app" });
      const missing = { code: "not_found" };
      await expect(projects.importArchive(LOCAL, newProjectId(), archive)).rejects.toMatchObject(missing);
      await expect(projects.importArchive(other, project.id, archive)).rejects.toMatchObject(missing);
      await expect(projects.importArchive(LOCAL, linked.project.id, archive)).rejects.toMatchObject({
        code: "invalid_state",
      });
      expect(read).toBe(false);
    });
  });

  test("an edit inside the container comes back to the project and goes on to its other sessions", async () => {
    const rig = await newRig();
    const process = rig.process();
    const projectId = newProjectId();
    await rig.start(process, projectId);
    await rig.start(process, projectId, { mode: "ephemeral" });
    const [one, other] = rig.engine.containers.values();
    if (one === undefined || other === undefined) throw new Error("two containers were expected");
    rig.engine.edit(one, { path: "src/App.jsx", content: "inside", encoding: "utf8" });
    rig.engine.edit(one, { path: "dist/out.js", content: "generated", encoding: "utf8" });
    await rig.clock.advance(100);
    expect((await process.core.projects.file(LOCAL, projectId, "src/App.jsx")).content).toBe("inside");
    expect(other.files.get("src/App.jsx")?.content).toBe("inside");
    await expect(process.core.projects.file(LOCAL, projectId, "dist/out.js")).rejects.toMatchObject({
      code: "not_found",
    });
  });
}
