import type { CompiledQuery, DatabaseConnection, Dialect, Driver, QueryResult } from "kysely";
import { toDatabaseError } from "./database-error.ts";

/** The same dialect, whose driver throws `VelocityError` for trouble with the database itself. */
export function translatingDialect(dialect: Dialect): Dialect {
  return {
    createAdapter: () => dialect.createAdapter(),
    createIntrospector: (db) => dialect.createIntrospector(db),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createDriver: () => translatingDriver(dialect.createDriver()),
  };
}

class TranslatingConnection implements DatabaseConnection {
  readonly inner: DatabaseConnection;

  constructor(inner: DatabaseConnection) {
    this.inner = inner;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    return translated(this.inner.executeQuery<R>(query));
  }

  async *streamQuery<R>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<R>> {
    yield* this.inner.streamQuery<R>(query, chunkSize);
  }
}

function translatingDriver(driver: Driver): Driver {
  const wrappers = new WeakMap<DatabaseConnection, TranslatingConnection>();
  return {
    init: () => translated(driver.init()),
    async acquireConnection() {
      const inner = await translated(driver.acquireConnection());
      const known = wrappers.get(inner);
      if (known !== undefined) return known;
      const wrapper = new TranslatingConnection(inner);
      wrappers.set(inner, wrapper);
      return wrapper;
    },
    beginTransaction: (connection, settings) =>
      translated(driver.beginTransaction(unwrap(connection), settings)),
    commitTransaction: (connection) => translated(driver.commitTransaction(unwrap(connection))),
    // Kysely rolls back after an error; a connection that is already lost must not hide that first error.
    rollbackTransaction: async (connection) => {
      await driver.rollbackTransaction(unwrap(connection)).catch((error: unknown) => {
        if (toDatabaseError(error) === error) throw error;
      });
    },
    releaseConnection: (connection) => driver.releaseConnection(unwrap(connection)),
    destroy: () => driver.destroy(),
  };
}

function unwrap(connection: DatabaseConnection): DatabaseConnection {
  return connection instanceof TranslatingConnection ? connection.inner : connection;
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toDatabaseError(error);
  }
}
