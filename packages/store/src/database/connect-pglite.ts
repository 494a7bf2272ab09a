import { VelocityError } from "@velocity/contract";
import type { Log } from "@velocity/core";
import { Kysely } from "kysely";
import { toDatabaseError } from "./database-error.ts";
import { migrate, needsMigration } from "./migrate.ts";
import { pgliteDialect } from "./pglite-dialect.ts";
import type { Tables } from "./tables.ts";
import { translatingDialect } from "./translating-driver.ts";

/** https://www.postgresql.org/docs/current/datatype-binary.html: `\x` and two hex digits per byte. */
const BYTEA_OID = 17;
// PGlite's own conversions go byte by byte in JavaScript: 51 ms for the files of a project of 300, instead of 3.
const parseBytea = (text: string): Uint8Array => Buffer.from(text.slice(2), "hex");
const serializeBytea = (bytes: Uint8Array): string =>
  `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")}`;

/**
 * PostgreSQL's own default of 128 MB costs a quarter of the opening time and 90 MB of memory; the operating system
 * caches the same files anyway.
 */
const SHARED_BUFFERS = "shared_buffers=16MB";

/**
 * Opens the embedded database in `directory`, which the caller has locked. Throws `data_dir_unusable`, `data_dir_newer`.
 *
 * PGlite writes through to the files on every commit (`relaxedDurability` stays off), so that a killed process loses
 * nothing. It runs PostgreSQL with `fsync=off`: what a power failure does is up to the operating system.
 */
export async function connectPglite(directory: string, log: Log): Promise<Kysely<Tables>> {
  // Loaded here: 9 MB of WebAssembly that a server on PostgreSQL never needs.
  const { PGlite } = await import("@electric-sql/pglite");
  const pglite = await PGlite.create({
    dataDir: directory,
    relaxedDurability: false,
    parsers: { [BYTEA_OID]: parseBytea },
    serializers: { [BYTEA_OID]: serializeBytea },
    startParams: [...PGlite.defaultStartParams, "-c", SHARED_BUFFERS],
  }).catch((cause: unknown) => {
    const error = toDatabaseError(cause);
    if (error instanceof VelocityError && error.code === "disk_full") throw error;
    throw new VelocityError(
      "data_dir_unusable",
      "The embedded database in the data folder cannot be opened.",
      {
        cause,
      },
    );
  });
  const db = new Kysely<Tables>({ dialect: translatingDialect(pgliteDialect(pglite)) });
  try {
    if (await needsMigration(db)) {
      const ran = await migrate(db);
      log.info({ migrations: ran }, "database schema is up to date");
    }
    return db;
  } catch (error) {
    await pglite.close();
    throw error;
  }
}
