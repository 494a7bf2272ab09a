import {
  gitSourceSchema,
  type Project,
  type ProjectId,
  projectIdSchema,
  putFilesSchema,
  VelocityError,
} from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { Caller, ProjectService } from "../services.ts";
import { createFromTemplate } from "./ensure-project.ts";
import { importArchive } from "./import-archive.ts";
import { mayUse, noProject } from "./project-access.ts";
import { liveSessions } from "./push-to-sessions.ts";
import { saveFiles } from "./save-files.ts";

const SOURCES = ["template", "files", "git", "directory"] as const;

/** Projects and their files; linked ones are read and written where they are. */
export function createProjectService(
  core: CoreContext,
  terminate: (sessionId: Parameters<CoreContext["ledger"]["read"]>[0]) => Promise<unknown>,
): ProjectService {
  const { store, linkedFiles, clock } = core;

  async function own(caller: Caller, id: ProjectId): Promise<Project> {
    const project = await store.projects.get(id);
    if (project === null || !mayUse(caller, project)) throw noProject();
    return project;
  }

  async function link(caller: Caller, id: ProjectId, name: string, path: string) {
    if (caller.role !== "admin" && !caller.createsUnknownProjects) {
      throw new VelocityError(
        "forbidden",
        "Only an administrator may link a directory of the server's machine.",
      );
    }
    const directory = await linkedFiles.check(path);
    const linked = await store.projects.findByDirectory(directory, caller.userId);
    if (linked !== null) return { project: linked, created: false };
    const row = { id, name, ownerId: caller.userId, source: "directory", template: null, directory } as const;
    const { kind, project } = await store.projects.create(row, [], clock.now());
    return { project: taken(caller, project), created: kind === "created" };
  }

  function taken(caller: Caller, project: Project): Project {
    if (mayUse(caller, project)) return project;
    throw new VelocityError("conflict", "That project id is taken.");
  }

  return {
    async create(caller, request) {
      const id =
        request.id === undefined ? projectIdSchema.parse(core.newId()) : projectIdSchema.parse(request.id);
      const given = SOURCES.filter((name) => request[name] !== undefined);
      if (given.length > 1) {
        const message = "Give one of template, files, git and directory.";
        throw new VelocityError("validation", message, {
          errors: given.map((path) => ({ path, code: "exclusive", message })),
        });
      }
      if (request.directory !== undefined) return link(caller, id, request.name, request.directory);
      const existing = await store.projects.get(id);
      if (existing !== null) return { project: taken(caller, existing), created: false };
      if (request.files === undefined && request.git === undefined) {
        const template = request.template ?? core.settings.defaultTemplate;
        const from = { id, name: request.name, template, ownerId: caller.userId };
        return { project: await createFromTemplate(core, from), created: true };
      }
      // Fetched before anything is stored: what cannot be had leaves nothing behind.
      const wanted =
        request.git === undefined ? request.files : await core.git.fetch(gitSourceSchema.parse(request.git));
      const { files } = putFilesSchema.parse({ files: wanted });
      const row = {
        id,
        name: request.name,
        ownerId: caller.userId,
        source: request.git === undefined ? "files" : "git",
        template: null,
        directory: null,
      } as const;
      const made = await store.projects.create(row, files, clock.now());
      return { project: taken(caller, made.project), created: made.kind === "created" };
    },

    get: own,

    list(caller, page) {
      const all = caller.role === "admin" || caller.createsUnknownProjects;
      return store.projects.list(all ? {} : { ownerId: caller.userId }, page);
    },

    async rename(caller, id, name) {
      await own(caller, id);
      const project = await store.projects.rename(id, name, clock.now());
      if (project === null) throw noProject();
      return project;
    },

    async remove(caller, id) {
      await own(caller, id);
      const endAll = async () => {
        const live = await liveSessions(core, id);
        await Promise.all(live.map((session) => terminate(session.id)));
      };
      await endAll();
      await store.projects.remove(id);
      // What began between the two; what begins later finds no project when it wants to publish.
      await endAll().catch((error) =>
        core.log.warn({ projectId: id, err: error }, "a session of a removed project is still ending"),
      );
    },

    async entries(caller, id) {
      const project = await own(caller, id);
      return project.directory === null ? store.projects.entries(id) : linkedFiles.entries(project.directory);
    },

    async file(caller, id, path) {
      const project = await own(caller, id);
      const file =
        project.directory === null
          ? await store.projects.file(id, path)
          : await linkedFiles.read(project.directory, path);
      if (file === null) throw new VelocityError("not_found", `There is no file ${path} in this project.`);
      return file;
    },

    async putFiles(caller, id, request) {
      const project = await own(caller, id);
      const change = putFilesSchema.parse(request);
      const { directory } = project;
      if (directory !== null) return putLinked(core, id, directory, change);
      return saveFiles(core, id, async () => change);
    },

    async importArchive(caller, id, bytes) {
      const project = await own(caller, id);
      if (project.directory !== null) {
        throw new VelocityError(
          "invalid_state",
          "This project is a linked directory; an archive cannot replace it. Change its files in place.",
        );
      }
      return importArchive(core, id, bytes);
    },

    async versions(caller, id, path) {
      const project = await own(caller, id);
      return project.directory === null ? store.projects.versions(id, path) : [];
    },

    async templates() {
      return [...(await core.templates.list())];
    },
  };
}

/** The directory is mounted live: what is written there is seen inside at once. */
async function putLinked(
  core: CoreContext,
  id: ProjectId,
  directory: string,
  change: ReturnType<typeof putFilesSchema.parse>,
): Promise<{ version: number; sessionsNotified: number }> {
  const { baseVersion } = change;
  if (baseVersion !== undefined) {
    const wanted = new Set([...change.files.map((file) => file.path), ...change.deletes]);
    const newer = (await core.linkedFiles.entries(directory)).find(
      (entry) => wanted.has(entry.path) && entry.version > baseVersion,
    );
    if (newer !== undefined) throw new VelocityError("conflict", `${newer.path} changed meanwhile.`);
  }
  const { version } = await core.linkedFiles.apply(directory, change);
  const awake = (await liveSessions(core, id)).filter((session) => session.state === "active");
  for (const session of awake) {
    core.bus.emit(session.id, "file", {
      version,
      changed: change.files.map((file) => file.path),
      deleted: change.deletes,
    });
  }
  return { version, sessionsNotified: awake.length };
}
