import { type Kysely, sql } from "kysely";
import type { Tables } from "../database/tables.ts";

/** Who does what, among servers that share a database. Time is the database's, so that no server's clock matters. */
export interface LeaseStore {
  /** Takes a free, expired or own lease for `ttlMs` from now; false: someone else holds it. */
  acquire(name: string, owner: string, ttlMs: number): Promise<boolean>;
  /** Ends an own lease at once. The row stays, expired, so that it can be seen that its owner is gone. */
  release(name: string, owner: string): Promise<void>;
}

export function leaseStore(db: Kysely<Tables>): LeaseStore {
  return {
    async acquire(name, owner, ttlMs) {
      const result = await sql`
        insert into leases (name, owner, expires_at)
        values (${name}, ${owner}, now() + ${ttlMs}::float8 * interval '1 millisecond')
        on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
          where leases.owner = excluded.owner or leases.expires_at <= now()
        returning name`.execute(db);
      return result.rows.length === 1;
    },

    async release(name, owner) {
      await sql`
        update leases set expires_at = now()
        where name = ${name} and owner = ${owner} and expires_at > now()`.execute(db);
    },
  };
}
