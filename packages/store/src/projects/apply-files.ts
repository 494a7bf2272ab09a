import type { ProjectId } from "@velocity/contract";
import { VelocityError } from "@velocity/contract";
import type { ProjectStore } from "@velocity/core";
import { type Kysely, sql, type Transaction } from "kysely";
import type { Tables } from "../database/tables.ts";
import { type FileBytes, toFileBytes } from "./file-content.ts";
import { findPathClash, planChange } from "./plan-change.ts";

type Change = Parameters<ProjectStore["apply"]>[1];

/** Bounds of one INSERT: a statement takes 65,535 parameters, and its bytes are in memory several times. */
const MAX_ROWS = 500;
const MAX_BYTES = 4 * 1024 * 1024;
const NO_CONTENT = new Uint8Array();

/** The project's row is locked first: concurrent changes of one project happen one after the other. */
export async function applyFiles(
  db: Kysely<Tables>,
  id: ProjectId,
  change: Change,
  at: Date,
): ReturnType<ProjectStore["apply"]> {
  const files = change.files.map(toFileBytes);
  const paths = [...new Set([...files.map((file) => file.path), ...change.deletes])];
  return await db.transaction().execute(async (tx) => {
    const project = await tx
      .selectFrom("projects")
      .select("version")
      .where("id", "=", id)
      .forUpdate()
      .executeTakeFirst();
    if (project === undefined) return { kind: "missing" };
    const current = await tx
      .selectFrom("project_files")
      .select(["path", "version", "deleted", "encoding", "sha256"])
      .where("project_id", "=", id)
      .where("superseded_by", "is", null)
      .where("path", "=", sql<string>`any(${paths}::text[])`)
      .execute();
    const plan = planChange(
      { files, deletes: change.deletes, baseVersion: change.baseVersion },
      {
        version: project.version,
        current,
      },
    );
    if (plan.kind === "conflict") return { kind: "conflict", version: project.version };
    const { writes, deletes } = plan;
    if (writes.length + deletes.length === 0) return { kind: "applied", version: project.version };

    const version = project.version + 1;
    const changed = [...writes.map((file) => file.path), ...deletes];
    await tx
      .updateTable("project_files")
      .set({ superseded_by: version })
      .where("project_id", "=", id)
      .where("superseded_by", "is", null)
      .where("path", "=", sql<string>`any(${changed}::text[])`)
      .execute();
    await insertVersions(tx, id, version, writes, deletes, at);
    const present = new Set(current.filter((file) => !file.deleted).map((file) => file.path));
    if (writes.some((file) => !present.has(file.path))) await refuseClash(tx, id);
    await tx.updateTable("projects").set({ version, updated_at: at }).where("id", "=", id).execute();
    return { kind: "applied", version };
  });
}

/** One row per changed path, all with the same project version. */
export async function insertVersions(
  tx: Transaction<Tables>,
  id: ProjectId,
  version: number,
  writes: readonly FileBytes[],
  deletes: readonly string[],
  at: Date,
): Promise<void> {
  const gone = deletes.map((path) => ({
    path,
    encoding: "utf8" as const,
    content: NO_CONTENT,
    sha256: NO_CONTENT,
    deleted: true,
  }));
  for (const batch of batches([...writes.map((file) => ({ ...file, deleted: false })), ...gone]))
    await tx
      .insertInto("project_files")
      .values(
        batch.map((file) => ({
          project_id: id,
          path: file.path,
          version,
          superseded_by: null,
          deleted: file.deleted,
          encoding: file.encoding,
          size: file.content.byteLength,
          sha256: file.sha256,
          content: file.content,
          created_at: at,
        })),
      )
      .execute();
}

function* batches<T extends { readonly content: Uint8Array }>(files: readonly T[]): Generator<readonly T[]> {
  let batch: T[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length === MAX_ROWS || (batch.length > 0 && bytes + file.content.byteLength > MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.content.byteLength;
  }
  if (batch.length > 0) yield batch;
}

async function refuseClash(tx: Transaction<Tables>, id: ProjectId): Promise<void> {
  const rows = await tx
    .selectFrom("project_files")
    .select("path")
    .where("project_id", "=", id)
    .where("superseded_by", "is", null)
    .where("deleted", "=", false)
    .execute();
  assertNoClash(rows.map((row) => row.path));
}

/** Throws `validation` where one path is the folder of another. */
export function assertNoClash(paths: Iterable<string>): void {
  const clash = findPathClash(paths);
  if (clash === null) return;
  throw new VelocityError(
    "validation",
    `"${clash.file}" cannot be a file and also the folder of "${clash.inside}".`,
    { errors: [{ path: "files", code: "path_clash", message: `"${clash.file}" is a file and a folder` }] },
  );
}
