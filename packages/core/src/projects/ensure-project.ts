import {
  DEMO_PROJECT_ID,
  type FileContent,
  type Project,
  type ProjectId,
  VelocityError,
} from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { Caller } from "../services.ts";
import { mayUse, noProject } from "./project-access.ts";

/**
 * The project of a start. An unknown one is made from a template where the caller may do that or named one, in one
 * transaction with its files, so that two at once make one.
 */
export async function ensureProject(
  core: CoreContext,
  caller: Caller,
  id: ProjectId,
  template: string | undefined,
): Promise<Project> {
  const found = await core.store.projects.get(id);
  if (found !== null) {
    if (!mayUse(caller, found)) throw noProject();
    return found;
  }
  if (!caller.createsUnknownProjects && template === undefined && id !== DEMO_PROJECT_ID) throw noProject();
  return createFromTemplate(core, {
    id,
    template: template ?? core.settings.defaultTemplate,
    name: id === DEMO_PROJECT_ID ? "Demo" : "Untitled project",
    ownerId: caller.userId,
  });
}

export async function createFromTemplate(
  core: CoreContext,
  from: { id: ProjectId; template: string; name: string; ownerId: Project["ownerId"] },
): Promise<Project> {
  const files = await templateFiles(core, from.template);
  const { project } = await core.store.projects.create(
    { ...from, source: "template", directory: null },
    files,
    core.clock.now(),
  );
  if (project.ownerId !== from.ownerId) throw noProject();
  return project;
}

/** Throws `validation` that names the templates there are. */
export async function templateFiles(core: CoreContext, template: string): Promise<FileContent[]> {
  const known = await core.templates.list();
  if (!known.some((one) => one.id === template)) {
    const names = known.map((one) => one.id).join(", ");
    const message = `There is no template "${template}"; there are ${names}.`;
    throw new VelocityError("validation", message, {
      errors: [{ path: "template", code: "unknown_template", message }],
    });
  }
  const files = await core.templates.files(template);
  return files.map(({ path, content, encoding }) => ({ path, content, encoding }));
}

/** A project without a single file is set up from its template, once, before its first container is made. */
export async function fillEmpty(
  core: CoreContext,
  project: Project,
  asked: string | undefined,
): Promise<Project> {
  if (project.directory !== null) return project;
  const entries = await core.store.projects.entries(project.id);
  if (entries.length > 0) return project;
  const files = await templateFiles(core, asked ?? project.template ?? core.settings.defaultTemplate);
  // Someone else who fills it at the same time writes the same paths: the base version lets only one through.
  await core.store.projects.apply(
    project.id,
    { files, deletes: [], baseVersion: project.version },
    core.clock.now(),
  );
  return (await core.store.projects.get(project.id)) ?? project;
}
