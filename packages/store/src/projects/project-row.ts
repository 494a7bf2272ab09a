import type { Project } from "@velocity/contract";
import type { Selectable } from "kysely";
import type { ProjectTable } from "../database/tables.ts";

export function toProject(row: Selectable<ProjectTable>): Project {
  return {
    id: row.id,
    name: row.name,
    ownerId: row.owner_id,
    source: row.source,
    template: row.template,
    directory: row.directory,
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
