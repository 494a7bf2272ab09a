import type { Log } from "@velocity/core";
import { CompiledQuery, Kysely, PostgresDialect } from "kysely";
import { migrate, needsMigration } from "./migrate.ts";
import type { Tables } from "./tables.ts";
import { translatingDialect } from "./translating-driver.ts";

/** Most connections of one server. Waiting for one is bounded by `CONNECT_TIMEOUT_MS`. */
const MAX_CONNECTIONS = 10;
const CONNECT_TIMEOUT_MS = 5_000;
/** The server ends a statement after this. */
const STATEMENT_TIMEOUT_MS = 30_000;
/** The client gives up after this: only where the server does not even answer any more. */
const ANSWER_TIMEOUT_MS = 35_000;
/** A schema change may take long, and waits for other servers that are at it. */
const MIGRATION_TIMEOUT_MS = 600_000;

/** Opens a pool and brings the schema up to date. Throws `database_unavailable`, `data_dir_newer`. */
export async function connectPostgres(databaseUrl: string, log: Log): Promise<Kysely<Tables>> {
  const db = await openPool(databaseUrl, log, {
    max: MAX_CONNECTIONS,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
  });
  try {
    if (await needsMigration(db)) await migrateWithPatience(databaseUrl, log);
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function migrateWithPatience(databaseUrl: string, log: Log): Promise<void> {
  const db = await openPool(databaseUrl, log, {
    max: 1,
    statementTimeoutMs: MIGRATION_TIMEOUT_MS,
    answerTimeoutMs: MIGRATION_TIMEOUT_MS,
  });
  try {
    const ran = await migrate(db);
    log.info({ migrations: ran }, "database schema is up to date");
  } finally {
    await db.destroy();
  }
}

async function openPool(
  databaseUrl: string,
  log: Log,
  limits: {
    readonly max: number;
    readonly statementTimeoutMs: number;
    readonly answerTimeoutMs: number;
  },
): Promise<Kysely<Tables>> {
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: "velocity",
    max: limits.max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    query_timeout: limits.answerTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  // Whoever uses the connection gets the error from his own query; without these listeners a connection that breaks
  // between two queries would end the process.
  pool.on("error", (error) => log.warn({ err: error }, "an idle database connection was lost"));
  pool.on("connect", (client) => {
    client.on("error", (error) => log.warn({ err: error }, "a database connection was lost"));
  });
  const dialect = new PostgresDialect({
    pool,
    // By SET, not as a start-up parameter: poolers (PgBouncer, Supabase) refuse parameters they do not know.
    onCreateConnection: async (connection) => {
      await connection.executeQuery(
        CompiledQuery.raw(
          `select set_config('statement_timeout', '${limits.statementTimeoutMs}', false),
                  set_config('idle_in_transaction_session_timeout', '${limits.statementTimeoutMs}', false)`,
        ),
      );
    },
  });
  return new Kysely<Tables>({ dialect: translatingDialect(dialect) });
}
