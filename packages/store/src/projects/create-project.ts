import type { FileContent, Project } from "@velocity/contract";
import type { ProjectStore } from "@velocity/core";
import type { Kysely } from "kysely";
import type { Tables } from "../database/tables.ts";
import { assertNoClash, insertVersions } from "./apply-files.ts";
import { toFileBytes } from "./file-content.ts";
import { toProject } from "./project-row.ts";

/** The other project may be removed between our insert and our look. */
const MAX_ROUNDS = 10;

/** Project and first files together. Version 1 in every case: the state that a client may name as its base. */
export async function createProject(
  db: Kysely<Tables>,
  project: Parameters<ProjectStore["create"]>[0],
  files: readonly FileContent[],
  at: Date,
): Promise<{ kind: "created" | "exists"; project: Project }> {
  const bytes = [...new Map(files.map((file) => [file.path, toFileBytes(file)])).values()];
  assertNoClash(bytes.map((file) => file.path));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const created = await db.transaction().execute(async (tx) => {
      const row = await tx
        .insertInto("projects")
        .values({
          id: project.id,
          name: project.name,
          owner_id: project.ownerId,
          source: project.source,
          template: project.template,
          directory: project.directory,
          version: 1,
          created_at: at,
          updated_at: at,
        })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      if (row !== undefined) await insertVersions(tx, project.id, 1, bytes, [], at);
      return row;
    });
    if (created !== undefined) return { kind: "created", project: toProject(created) };
    const existing = await db
      .selectFrom("projects")
      .selectAll()
      .where((where) =>
        where.or([
          where("id", "=", project.id),
          where.and([where("owner_id", "=", project.ownerId), where("directory", "=", project.directory)]),
        ]),
      )
      // The same id comes before the same directory.
      .orderBy((order) => order("id", "=", project.id), "desc")
      .limit(1)
      .executeTakeFirst();
    if (existing !== undefined) return { kind: "exists", project: toProject(existing) };
  }
  throw new Error("a project is created and removed faster than it can be read");
}
