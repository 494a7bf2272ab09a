import { VelocityError } from "@velocity/contract";
import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/tables.ts";

/** Throws `database_unavailable`, also where no answer came before the signal. */
export async function ping(db: Kysely<Tables>, signal: AbortSignal): Promise<void> {
  const late = Promise.withResolvers<never>();
  const onAbort = () =>
    late.reject(
      new VelocityError("database_unavailable", "The database does not answer.", { cause: signal.reason }),
    );
  // Kysely's own abort reports what fails afterwards on the console, so the query is left to its time-out instead.
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await Promise.race([late.promise, sql`select 1`.execute(db)]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
