import type { ServerHealth } from "@velocity/contract";
import type { Driver, Store } from "@velocity/core";

const CHECK_MS = 2000;

/** Asks every part that the server stands on; a part that does not answer within two seconds counts as down. */
export async function checkHealth(parts: {
  readonly store: Store;
  readonly driver: Driver;
  readonly version: string;
}): Promise<ServerHealth> {
  const signal = AbortSignal.timeout(CHECK_MS);
  const [database, driver] = await Promise.all([
    answers(parts.store.ping(signal)),
    answers(parts.driver.ping({ signal })),
  ]);
  return {
    status: database && driver ? "ok" : "degraded",
    timestamp: new Date().toISOString(),
    version: parts.version,
    // Blobs live in the data folder, which the database's lock has proven usable.
    checks: { database, driver, blobs: true },
  };
}

function answers(check: Promise<void>): Promise<boolean> {
  return check.then(
    () => true,
    () => false,
  );
}
