import type { Project, ProjectId } from "@velocity/contract";
import type { ProjectStore } from "@velocity/core";
import { contentOf, MemoryFiles } from "./memory-files.ts";
import { pageOf } from "./memory-page.ts";

export function memoryProjects(yieldOnce: () => Promise<void>): ProjectStore {
  const projects = new Map<ProjectId, { project: Project; readonly files: MemoryFiles }>();
  const filesOf = (id: ProjectId) => projects.get(id)?.files ?? new MemoryFiles();

  return {
    async create(project, content, at) {
      await yieldOnce();
      const files = new MemoryFiles();
      files.apply({ files: content, deletes: [] }, 0, at);
      const held =
        projects.get(project.id)?.project ??
        [...projects.values()].find(
          ({ project: one }) =>
            one.directory !== null && one.directory === project.directory && one.ownerId === project.ownerId,
        )?.project;
      if (held !== undefined) return { kind: "exists", project: held };
      const stamp = at.toISOString();
      const made: Project = { ...project, version: 1, createdAt: stamp, updatedAt: stamp };
      projects.set(project.id, { project: made, files });
      return { kind: "created", project: made };
    },

    async get(id) {
      await yieldOnce();
      return projects.get(id)?.project ?? null;
    },

    async findByDirectory(directory, ownerId) {
      await yieldOnce();
      const all = [...projects.values()].map((one) => one.project);
      return all.find((one) => one.directory === directory && one.ownerId === ownerId) ?? null;
    },

    async list(filter, page) {
      await yieldOnce();
      const found = [...projects.values()]
        .map((one) => one.project)
        .filter((one) => filter.ownerId === undefined || one.ownerId === filter.ownerId);
      return pageOf(found, page, {
        place: (one) => [Date.parse(one.createdAt), one.id],
        newestFirst: true,
      });
    },

    async rename(id, name, at) {
      await yieldOnce();
      const held = projects.get(id);
      if (held === undefined) return null;
      held.project = { ...held.project, name, updatedAt: at.toISOString() };
      return held.project;
    },

    async remove(id) {
      await yieldOnce();
      return projects.delete(id);
    },

    async files(id) {
      await yieldOnce();
      return filesOf(id).current().map(contentOf);
    },

    async entries(id) {
      await yieldOnce();
      return filesOf(id)
        .current()
        .map(({ path, bytes, version, at }) => ({
          path,
          size: bytes.byteLength,
          version,
          updatedAt: at.toISOString(),
        }));
    },

    async file(id, path) {
      await yieldOnce();
      const [last] = filesOf(id).versions(path);
      return last === undefined || last.deleted ? null : { ...contentOf(last), version: last.version };
    },

    async versions(id, path) {
      await yieldOnce();
      return filesOf(id)
        .versions(path)
        .map(({ version, deleted, bytes, at }) => ({ version, deleted, size: bytes.byteLength, at }));
    },

    async changesSince(id, version) {
      await yieldOnce();
      const newer = filesOf(id).since(version);
      return {
        files: newer.filter((file) => !file.deleted).map(contentOf),
        deletes: newer.filter((file) => file.deleted).map((file) => file.path),
      };
    },

    async apply(id, change, at) {
      await yieldOnce();
      const held = projects.get(id);
      if (held === undefined) return { kind: "missing" };
      const before = held.project.version;
      const version = held.files.apply(change, before, at);
      if (version === null) return { kind: "conflict", version: before };
      if (version > before) held.project = { ...held.project, version, updatedAt: at.toISOString() };
      return { kind: "applied", version };
    },
  };
}
