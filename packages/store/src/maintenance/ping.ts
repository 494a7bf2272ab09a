import { VelocityError } from "@velocity/contract";
import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/tables.ts";

/** Throws `database_unavailable`, also where no answer came before the signal. */
export async function ping(db: Kysely<Tables>, signal: AbortSignal): Promise<void> {
  try {
    await sql`select 1`.execute(db, { signal });
  } catch (cause) {
    if (!signal.aborted || cause instanceof VelocityError) throw cause;
    throw new VelocityError("database_unavailable", "The database does not answer.", { cause });
  }
}
