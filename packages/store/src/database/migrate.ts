import { VelocityError } from "@velocity/contract";
import { type Kysely, sql } from "kysely";
import { MIGRATIONS } from "./migrations/index.ts";
import type { Migration } from "./migrations/migration.ts";
import type { Tables } from "./tables.ts";

/** Any number, the same for every server: who holds it migrates. Ours by being "velo" in ASCII. */
const LOCK_KEY = 0x76656c6f;

/** What has to be done to a database on which `applied` ran. Throws `data_dir_newer` where it knows more than we do. */
export function pendingMigrations(
  applied: readonly string[],
  known: readonly Migration[] = MIGRATIONS,
): readonly Migration[] {
  const names = new Set(known.map((migration) => migration.name));
  const unknown = applied.find((name) => !names.has(name));
  if (unknown !== undefined)
    throw new VelocityError("data_dir_newer", "The database was written by a newer version of Velocity.", {
      context: { migration: unknown },
    });
  return known.filter((migration) => !applied.includes(migration.name));
}

/** Names of what ran already; null for a database without any table of ours. */
async function appliedMigrations(db: Kysely<Tables>): Promise<readonly string[] | null> {
  const found = await sql<{ present: boolean }>`
    select to_regclass('velocity_migrations') is not null as present`.execute(db);
  if (found.rows[0]?.present !== true) return null;
  const rows = await db.selectFrom("velocity_migrations").select("name").execute();
  return rows.map((row) => row.name);
}

/** Whether `migrate` has something to do. Throws `data_dir_newer`. */
export async function needsMigration(db: Kysely<Tables>): Promise<boolean> {
  const applied = await appliedMigrations(db);
  return applied === null || pendingMigrations(applied).length > 0;
}

/**
 * Brings the schema up to date, all or nothing. Any number of servers may do this at once: the first one works while
 * the others wait. Returns the names of what ran here. The lock belongs to the transaction, so that it holds behind
 * a transaction pooler too.
 */
export async function migrate(db: Kysely<Tables>): Promise<readonly string[]> {
  return await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(${sql.lit(LOCK_KEY)})`.execute(tx);
    await sql`create table if not exists velocity_migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    )`.execute(tx);
    const pending = pendingMigrations((await appliedMigrations(tx)) ?? []);
    for (const migration of pending) {
      for (const statement of migration.statements) await sql.raw(statement).execute(tx);
      await tx.insertInto("velocity_migrations").values({ name: migration.name }).execute();
    }
    return pending.map((migration) => migration.name);
  });
}
