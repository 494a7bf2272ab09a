import type { CoreContext } from "../context.ts";
import type { SessionRecord } from "../session-record.ts";
import { answersAs } from "./answers-as.ts";
import { bounded } from "./destroy-container.ts";

/** A quick look before a session is handed out: the engine runs its container, and the right agent answers there. */
export async function sessionHealthy(core: CoreContext, session: SessionRecord): Promise<boolean> {
  const row = await core.ledger.container(session.containerId);
  if (row === null || row.ref === null || row.status !== "assigned") return false;
  const handle = { containerId: row.id, ref: row.ref };
  const [seen, answers] = await Promise.all([
    bounded(core, (signal) => core.driver.inspect(handle, { signal }), 3_000).catch(() => null),
    answersAs(core, handle, session),
  ]);
  // An engine that cannot be asked proves nothing against an agent that answers.
  return answers && (seen === null || seen.status === "running");
}
