import type { ProjectId } from "@velocity/contract";
import type { Store } from "@velocity/core";
import { describe, expect, test } from "vitest";
import { moment, newProject, newProjectId, newUserId, text, times } from "./fixtures.ts";
import { projectProperties } from "./project-properties.ts";

export function projectSuite(store: () => Store): void {
  const projects = () => store().projects;
  const create = async (...files: ReturnType<typeof text>[]) => {
    const { project } = await projects().create(newProject(), files, moment());
    return project;
  };
  const contents = async (id: ProjectId) =>
    Object.fromEntries((await projects().files(id)).map((file) => [file.path, file.content]));

  describe("projects", () => {
    test("a project is stored with its files, at version 1", async () => {
      const project = newProject({ template: "react", source: "template" });
      const created = await projects().create(project, [text("index.html", "<h1>hi</h1>")], moment());
      const at = moment().toISOString();
      const expected = { ...project, version: 1, createdAt: at, updatedAt: at };
      expect(created).toEqual({ kind: "created", project: expected });
      expect(await projects().get(project.id)).toEqual(expected);
      expect(await contents(project.id)).toEqual({ "index.html": "<h1>hi</h1>" });
      expect(await projects().get(newProjectId())).toBeNull();
    });

    test("concurrent creations of one id make one project with one set of files", async () => {
      const project = newProject();
      const answers = await times(10, (index) =>
        projects().create({ ...project, name: `try ${index}` }, [text(`${index}.txt`, "x")], moment()),
      );
      expect(answers.filter((answer) => answer.kind === "created")).toHaveLength(1);
      expect(new Set(answers.map((answer) => answer.project.name)).size).toBe(1);
      expect(await projects().files(project.id)).toHaveLength(1);
    });

    test("a directory is linked once per owner", async () => {
      const first = newProject({ source: "directory", directory: `/srv/${newProjectId()}` });
      await projects().create(first, [], moment());
      const again = await projects().create({ ...first, id: newProjectId() }, [], moment());
      expect(again).toMatchObject({ kind: "exists", project: { id: first.id } });
      expect(await projects().findByDirectory(first.directory ?? "", first.ownerId)).toEqual(again.project);
      expect(await projects().findByDirectory(first.directory ?? "", newUserId())).toBeNull();
    });

    test("renaming and removing say whether there was such a project", async () => {
      const project = await create(text("a", "1"));
      expect(await projects().rename(project.id, "New", moment(1))).toEqual({
        ...project,
        name: "New",
        updatedAt: moment(1).toISOString(),
      });
      expect(await projects().remove(project.id)).toBe(true);
      expect(await projects().remove(project.id)).toBe(false);
      expect(await projects().rename(project.id, "New", moment())).toBeNull();
      expect(await projects().files(project.id)).toEqual([]);
    });

    test("pages go through all projects of an owner, newest first, unmoved by new ones", async () => {
      const ownerId = newUserId();
      const old = await times(5, (index) =>
        projects().create(newProject({ ownerId }), [], moment(Math.floor(index / 2))),
      );
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await projects().list(
          { ownerId },
          { limit: 2, ...(cursor !== undefined && { cursor }) },
        );
        seen.push(...page.items.map((project) => project.id));
        cursor = page.nextCursor ?? undefined;
        await projects().create(newProject({ ownerId }), [], moment(100));
      } while (cursor !== undefined);
      expect(seen.sort()).toEqual(old.map((answer) => answer.project.id).sort());
    });
  });

  describe("files", () => {
    test("every byte comes back, in the encoding it was written with", async () => {
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("base64");
      const project = await create(text("nul.txt", "a\0b"), text("ü/日本.txt", "🎉"), text("empty", ""));
      const icon = { path: "icon.png", content: bytes, encoding: "base64" as const };
      await projects().apply(project.id, { files: [icon], deletes: [] }, moment());
      expect(await contents(project.id)).toEqual({
        "nul.txt": "a\0b",
        "ü/日本.txt": "🎉",
        empty: "",
        "icon.png": bytes,
      });
      expect(await projects().file(project.id, "icon.png")).toEqual({ ...icon, version: 2 });
      expect(await projects().file(project.id, "missing")).toBeNull();
    });

    test("a change is one version, whatever it names", async () => {
      const project = await create(text("a", "1"), text("b", "1"));
      const change = { files: [text("a", "2"), text("c", "2")], deletes: ["b"] };
      expect(await projects().apply(project.id, change, moment(7))).toEqual({ kind: "applied", version: 2 });
      expect(await projects().get(project.id)).toMatchObject({
        version: 2,
        updatedAt: moment(7).toISOString(),
      });
      expect(await projects().entries(project.id)).toEqual([
        { path: "a", size: 1, version: 2, updatedAt: moment(7).toISOString() },
        { path: "c", size: 1, version: 2, updatedAt: moment(7).toISOString() },
      ]);
      expect(await projects().versions(project.id, "b")).toEqual([
        { version: 2, deleted: true, size: 0, at: moment(7) },
        { version: 1, deleted: false, size: 1, at: moment() },
      ]);
    });

    test("writing what is already there makes no version", async () => {
      const project = await create(text("a", "1"), text("b", "1"));
      const same = { files: [text("a", "1")], deletes: ["missing"] };
      expect(await projects().apply(project.id, same, moment(1))).toEqual({ kind: "applied", version: 1 });
      expect(await projects().versions(project.id, "missing")).toEqual([]);
      const half = { files: [text("a", "1"), text("b", "2")], deletes: [] };
      expect(await projects().apply(project.id, half, moment(2))).toEqual({ kind: "applied", version: 2 });
      expect(await projects().versions(project.id, "a")).toHaveLength(1);
    });

    test("a path that changed since the base is a conflict, and nothing of the change happens", async () => {
      const project = await create(text("a", "1"), text("b", "1"));
      await projects().apply(project.id, { files: [text("a", "2")], deletes: [] }, moment());
      const late = { files: [text("a", "3"), text("b", "3")], deletes: [], baseVersion: 1 };
      expect(await projects().apply(project.id, late, moment())).toEqual({ kind: "conflict", version: 2 });
      expect(await contents(project.id)).toEqual({ a: "2", b: "1" });
      const other = { files: [text("b", "3")], deletes: [], baseVersion: 1 };
      expect(await projects().apply(project.id, other, moment())).toEqual({ kind: "applied", version: 3 });
    });

    test("a path deleted since the base is a conflict too", async () => {
      const project = await create(text("a", "1"));
      await projects().apply(project.id, { files: [], deletes: ["a"] }, moment());
      const late = { files: [text("a", "2")], deletes: [], baseVersion: 1 };
      expect(await projects().apply(project.id, late, moment())).toMatchObject({ kind: "conflict" });
    });

    test("a change of a missing project says so", async () => {
      const change = { files: [text("a", "1")], deletes: [] };
      expect(await projects().apply(newProjectId(), change, moment())).toEqual({ kind: "missing" });
    });

    test("a path cannot be a file and a folder, and nothing of the change happens", async () => {
      const project = await create(text("src/a", "1"));
      for (const path of ["src", "src/a/b"])
        await expect(
          projects().apply(project.id, { files: [text("ok", "1"), text(path, "1")], deletes: [] }, moment()),
        ).rejects.toMatchObject({ code: "validation" });
      expect(await contents(project.id)).toEqual({ "src/a": "1" });
      const swap = { files: [text("src", "1")], deletes: ["src/a"] };
      expect(await projects().apply(project.id, swap, moment())).toMatchObject({ kind: "applied" });
    });

    test("concurrent changes get a version each, and none is lost", async () => {
      const project = await create();
      const answers = await times(12, (index) =>
        projects().apply(project.id, { files: [text(`file-${index}`, "x")], deletes: [] }, moment(index)),
      );
      expect(
        answers.map((answer) => ("version" in answer ? answer.version : 0)).sort((a, b) => a - b),
      ).toEqual(Array.from({ length: 12 }, (_, index) => index + 2));
      expect(await projects().files(project.id)).toHaveLength(12);
      expect(await projects().get(project.id)).toMatchObject({ version: 13 });
    });

    test("of concurrent changes of one path from one base exactly one is applied", async () => {
      const project = await create(text("a", "0"));
      const answers = await times(10, (index) =>
        projects().apply(
          project.id,
          { files: [text("a", `by ${index}`)], deletes: [], baseVersion: 1 },
          moment(),
        ),
      );
      expect(answers.filter((answer) => answer.kind === "applied")).toHaveLength(1);
      expect(await projects().versions(project.id, "a")).toHaveLength(2);
    });

    test("changes since a version are what is new and what is gone, as it is now", async () => {
      const project = await create(text("same", "1"), text("changed", "1"), text("gone", "1"));
      const bytes = { path: "new.png", content: "AP8=", encoding: "base64" as const };
      const steps = [
        { files: [text("changed", "2"), text("passing", "2")], deletes: [] },
        { files: [bytes], deletes: ["gone"] },
        { files: [text("changed", "4")], deletes: ["passing"] },
      ];
      for (const step of steps) await projects().apply(project.id, step, moment());
      const since = (version: number) => projects().changesSince(project.id, version);
      expect(await since(1)).toEqual({
        files: [text("changed", "4"), bytes],
        deletes: expect.arrayContaining(["gone"]),
      });
      expect((await since(1)).deletes).not.toContain("changed");
      expect(await since(3)).toEqual({ files: [text("changed", "4")], deletes: ["passing"] });
      expect(await since(4)).toEqual({ files: [], deletes: [] });
      expect(await since(9)).toEqual({ files: [], deletes: [] });
      expect(await projects().changesSince(newProjectId(), 0)).toEqual({ files: [], deletes: [] });
    });

    test("a file that was deleted and written again is not among the deletes", async () => {
      const project = await create(text("a", "1"));
      await projects().apply(project.id, { files: [], deletes: ["a"] }, moment());
      await projects().apply(project.id, { files: [text("a", "1")], deletes: [] }, moment());
      expect(await projects().changesSince(project.id, 1)).toEqual({ files: [text("a", "1")], deletes: [] });
    });

    test("thousands of files, and many bytes, go in at once", async () => {
      const many = Array.from({ length: 2000 }, (_, index) =>
        text(`src/${index}.js`, `export default ${index};`),
      );
      const big = text("big.txt", "x".repeat(6 * 1024 * 1024));
      const project = await create(...many, big);
      const entries = await projects().entries(project.id);
      expect(entries).toHaveLength(2001);
      expect((await projects().file(project.id, "big.txt"))?.content).toHaveLength(big.content.length);
    }, 60_000);

    projectProperties(store);
  });
}
