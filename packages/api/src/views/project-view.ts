import type { Project } from "@velocity/contract";
import type { Caller } from "@velocity/core";

/** The project as the API shows it: a path of the server's machine only to those who may link one. */
export function presentProject(project: Project, caller: Caller): Project {
  return caller.role === "admin" ? project : { ...project, directory: null };
}
