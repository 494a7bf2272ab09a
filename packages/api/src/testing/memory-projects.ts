import { randomUUID } from "node:crypto";
import {
  type CreateProject,
  type FileContent,
  type Project,
  type ProjectId,
  type PutFiles,
  projectIdSchema,
  VelocityError,
} from "@velocity/contract";
import type { Caller, ProjectService } from "@velocity/core";

const AT = "2026-01-01T00:00:00.000Z";
const TEMPLATES = [
  { id: "react", title: "React", description: "A counter.", framework: "vite" },
  { id: "static", title: "Static", description: "Plain HTML.", framework: "static" },
];

interface Row {
  project: Project;
  readonly files: Map<string, FileContent & { version: number }>;
}

/** Projects in a map, as core behaves towards the API. */
export class MemoryProjects implements ProjectService {
  readonly rows = new Map<ProjectId, Row>();

  /** The project, created where the caller may have unknown ones created. */
  async ensure(caller: Caller, id: ProjectId): Promise<void> {
    if (!this.rows.has(id) && caller.createsUnknownProjects)
      await this.create(caller, { id, name: "Untitled" });
    this.#row(caller, id);
  }

  async create(caller: Caller, request: CreateProject) {
    const id = projectIdSchema.parse(request.id ?? randomUUID());
    const existing = this.rows.get(id);
    if (existing !== undefined) return { project: this.#row(caller, id).project, created: false };
    const template = request.template ?? "react";
    if (!TEMPLATES.some((known) => known.id === template))
      throw new VelocityError("validation", "There is no such template.", {
        errors: [{ path: "template", code: "unknown_template", message: "There is no such template." }],
      });
    const project: Project = {
      id,
      name: request.name,
      ownerId: caller.userId,
      source: request.git === undefined ? "template" : "git",
      template: request.git === undefined ? template : null,
      directory: request.directory ?? null,
      version: 1,
      createdAt: AT,
      updatedAt: AT,
    };
    const row: Row = { project, files: new Map() };
    for (const file of request.files ?? [])
      row.files.set(file.path, {
        path: file.path,
        content: file.content,
        encoding: file.encoding ?? "utf8",
        version: 1,
      });
    this.rows.set(id, row);
    return { project, created: true };
  }

  async get(caller: Caller, id: ProjectId) {
    return this.#row(caller, id).project;
  }

  async list(caller: Caller, page: { readonly limit: number }) {
    const own = [...this.rows.values()].filter(
      ({ project }) => caller.role === "admin" || project.ownerId === caller.userId,
    );
    return { items: own.slice(0, page.limit).map(({ project }) => project), nextCursor: null };
  }

  async rename(caller: Caller, id: ProjectId, name: string) {
    const row = this.#row(caller, id);
    row.project = { ...row.project, name };
    return row.project;
  }

  async remove(caller: Caller, id: ProjectId) {
    this.#row(caller, id);
    this.rows.delete(id);
  }

  async entries(caller: Caller, id: ProjectId) {
    return [...this.#row(caller, id).files.values()].map(({ path, content, version }) => ({
      path,
      size: Buffer.byteLength(content),
      version,
      updatedAt: AT,
    }));
  }

  async file(caller: Caller, id: ProjectId, path: string) {
    const file = this.#row(caller, id).files.get(path);
    if (file === undefined) throw new VelocityError("not_found", "There is no such file.");
    return file;
  }

  async putFiles(caller: Caller, id: ProjectId, change: PutFiles) {
    const row = this.#row(caller, id);
    const { files = [], deletes = [], baseVersion } = change;
    const touched = [...files.map((file) => file.path), ...deletes];
    if (
      baseVersion !== undefined &&
      touched.some((path) => (row.files.get(path)?.version ?? 0) > baseVersion)
    )
      throw new VelocityError("conflict", "The file has changed since.");
    const version = row.project.version + 1;
    for (const file of files)
      row.files.set(file.path, {
        path: file.path,
        content: file.content,
        encoding: file.encoding ?? "utf8",
        version,
      });
    for (const path of deletes) row.files.delete(path);
    row.project = { ...row.project, version };
    return { version, sessionsNotified: 0 };
  }

  /** Takes any bytes for an archive of one file that has them. */
  async importArchive(caller: Caller, id: ProjectId, bytes: AsyncIterable<Uint8Array>) {
    const row = this.#row(caller, id);
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    const content = Buffer.concat(chunks).toString("base64");
    row.files.clear();
    return this.putFiles(caller, id, { files: [{ path: "unpacked", content, encoding: "base64" }] });
  }

  async versions(caller: Caller, id: ProjectId, path: string) {
    const file = await this.file(caller, id, path);
    return [{ version: file.version, deleted: false, size: file.content.length, at: new Date(AT) }];
  }

  async templates() {
    return TEMPLATES;
  }

  #row(caller: Caller, id: ProjectId): Row {
    const row = this.rows.get(id);
    if (row === undefined || (caller.role !== "admin" && row.project.ownerId !== caller.userId))
      throw new VelocityError("not_found", "There is no such project.");
    return row;
  }
}
