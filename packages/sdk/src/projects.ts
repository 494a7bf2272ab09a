import type { CreateProject, FileEntry, Page, Project, PutFiles, Template } from "@velocity/contract";
import { type CallOptions, segment, type Transport } from "./transport.ts";

export interface FileRead {
  readonly path: string;
  readonly content: string;
  readonly encoding: "utf8" | "base64";
  readonly version: number;
}

export interface PutFilesResult {
  readonly version: number;
  readonly sessionsNotified: number;
}

export interface FilesApi {
  list(projectId: string, options?: CallOptions): Promise<Page<FileEntry>>;
  get(projectId: string, path: string, options?: CallOptions): Promise<FileRead>;
  /** All of it is applied, or none; every live session of the project gets it. `conflict` when `baseVersion` is behind. */
  put(projectId: string, change: PutFiles, options?: CallOptions): Promise<PutFilesResult>;
}

export interface ProjectsApi {
  list(
    page?: { readonly cursor?: string; readonly limit?: number },
    options?: CallOptions,
  ): Promise<Page<Project>>;
  get(id: string, options?: CallOptions): Promise<Project>;
  /** Tried again with the same key when the connection breaks. */
  create(request: CreateProject, options?: CallOptions): Promise<Project>;
  rename(id: string, name: string, options?: CallOptions): Promise<Project>;
  /**
   * Makes the files of a tar.gz (at most 64 MB) the project's files: what is not in it is deleted, all or none. Every live
   * session of the project gets it. `unsafe_archive` for links, unsafe paths and what is too large.
   */
  importArchive(
    id: string,
    archive: Blob | ArrayBuffer | Uint8Array<ArrayBuffer>,
    options?: CallOptions,
  ): Promise<PutFilesResult>;
  /** Terminates its sessions first. */
  remove(id: string, options?: CallOptions): Promise<void>;
}

export function createProjectsApi(transport: Transport): ProjectsApi {
  const path = (id: string) => `/api/projects/${segment(id)}`;
  return {
    list: (page, options) =>
      transport.json({
        method: "GET",
        path: "/api/projects",
        query: { ...page },
        repeatable: true,
        signal: options?.signal,
      }),
    get: (id, options) =>
      transport.json({ method: "GET", path: path(id), repeatable: true, signal: options?.signal }),
    create: (request, options) =>
      transport.json({
        method: "POST",
        path: "/api/projects",
        body: request,
        headers: { "idempotency-key": globalThis.crypto.randomUUID() },
        repeatable: true,
        signal: options?.signal,
      }),
    rename: (id, name, options) =>
      transport.json({ method: "PATCH", path: path(id), body: { name }, signal: options?.signal }),
    importArchive: (id, archive, options) =>
      transport.json({
        method: "POST",
        path: `${path(id)}/archive`,
        bytes: archive,
        headers: { "content-type": "application/gzip" },
        signal: options?.signal,
      }),
    async remove(id, options) {
      const response = await transport.send({ method: "DELETE", path: path(id), signal: options?.signal });
      await response.body?.cancel();
    },
  };
}

export function createFilesApi(transport: Transport): FilesApi {
  const path = (id: string) => `/api/projects/${segment(id)}/files`;
  return {
    list: (id, options) =>
      transport.json({ method: "GET", path: path(id), repeatable: true, signal: options?.signal }),
    get: (id, file, options) =>
      transport.json({
        method: "GET",
        path: `${path(id)}/${file.split("/").map(segment).join("/")}`,
        repeatable: true,
        signal: options?.signal,
      }),
    put: (id, change, options) =>
      transport.json({ method: "PUT", path: path(id), body: change, signal: options?.signal }),
  };
}

export interface TemplatesApi {
  list(options?: CallOptions): Promise<Page<Template>>;
}

export function createTemplatesApi(transport: Transport): TemplatesApi {
  return {
    list: (options) =>
      transport.json({ method: "GET", path: "/api/templates", repeatable: true, signal: options?.signal }),
  };
}
