import type { ProjectId } from "@velocity/contract";
import type { ProjectStore } from "@velocity/core";
import { type Kysely, sql } from "kysely";
import { decodeTimeCursor, encodeTimeCursor, toPage } from "../database/cursor.ts";
import type { Tables } from "../database/tables.ts";
import { applyFiles } from "./apply-files.ts";
import { createProject } from "./create-project.ts";
import { toFileContent } from "./file-content.ts";
import { toProject } from "./project-row.ts";

export function projectStore(db: Kysely<Tables>): ProjectStore {
  const currentFiles = (id: ProjectId) =>
    db
      .selectFrom("project_files")
      .where("project_id", "=", id)
      .where("superseded_by", "is", null)
      .where("deleted", "=", false);

  return {
    create: (project, files, at) => createProject(db, project, files, at),
    apply: (id, change, at) => applyFiles(db, id, change, at),

    async get(id) {
      const row = await db.selectFrom("projects").selectAll().where("id", "=", id).executeTakeFirst();
      return row === undefined ? null : toProject(row);
    },

    async findByDirectory(directory, ownerId) {
      const row = await db
        .selectFrom("projects")
        .selectAll()
        .where("owner_id", "=", ownerId)
        .where("directory", "=", directory)
        .executeTakeFirst();
      return row === undefined ? null : toProject(row);
    },

    async list(filter, page) {
      let query = db
        .selectFrom("projects")
        .selectAll()
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(page.limit + 1);
      if (filter.ownerId !== undefined) query = query.where("owner_id", "=", filter.ownerId);
      if (page.cursor !== undefined) {
        const { at, id } = decodeTimeCursor(page.cursor);
        query = query.where(sql<boolean>`(created_at, id) < (${at}::timestamptz, ${id}::uuid)`);
      }
      const rows = await query.execute();
      return toPage(rows.map(toProject), page.limit, (last) =>
        encodeTimeCursor({ at: new Date(last.createdAt), id: last.id }),
      );
    },

    async rename(id, name, at) {
      const row = await db
        .updateTable("projects")
        .set({ name, updated_at: at })
        .where("id", "=", id)
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? null : toProject(row);
    },

    async remove(id) {
      const removed = await db.deleteFrom("projects").where("id", "=", id).returning("id").execute();
      return removed.length === 1;
    },

    async files(id) {
      const rows = await currentFiles(id).select(["path", "encoding", "content"]).orderBy("path").execute();
      return rows.map(toFileContent);
    },

    async entries(id) {
      const rows = await currentFiles(id)
        .select(["path", "size", "version", "created_at"])
        .orderBy("path")
        .execute();
      return rows.map((row) => ({
        path: row.path,
        size: row.size,
        version: row.version,
        updatedAt: row.created_at.toISOString(),
      }));
    },

    async file(id, path) {
      const row = await currentFiles(id)
        .select(["path", "encoding", "content", "version"])
        .where("path", "=", path)
        .executeTakeFirst();
      return row === undefined ? null : { ...toFileContent(row), version: row.version };
    },

    async versions(id, path) {
      const rows = await db
        .selectFrom("project_files")
        .select(["version", "deleted", "size", "created_at"])
        .where("project_id", "=", id)
        .where("path", "=", path)
        .orderBy("version", "desc")
        .execute();
      return rows.map((row) => ({
        version: row.version,
        deleted: row.deleted,
        size: row.size,
        at: row.created_at,
      }));
    },

    async changesSince(id, version) {
      const rows = await db
        .selectFrom("project_files")
        .select(["path", "deleted", "encoding", "content"])
        .where("project_id", "=", id)
        .where("superseded_by", "is", null)
        .where("version", ">", version)
        .orderBy("path")
        .execute();
      return {
        files: rows.filter((row) => !row.deleted).map(toFileContent),
        deletes: rows.filter((row) => row.deleted).map((row) => row.path),
      };
    },
  };
}
