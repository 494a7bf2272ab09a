import type { SessionRecord } from "@velocity/core";
import type { Rig } from "./core-rig.ts";

const LIVE = ["pending", "active", "disconnected", "suspended"] as const;

/** Reads store and engine only, never the code under test, and says which invariants of the lifecycle are broken. */
export async function brokenInvariants(rig: Rig, at: "any time" | "rest"): Promise<readonly string[]> {
  const broken: string[] = [];
  const { items: all } = await rig.store.sessions.list({}, { limit: 10_000 });
  // After the rows: what is terminated by then may not run any more.
  const containers = [...rig.engine.containers.values()];
  const live = all.filter((session) => LIVE.some((state) => state === session.state));

  const owners = new Map<string, number>();
  for (const session of live) {
    if (session.mode !== "persistent") continue;
    const key = `${session.projectId} ${session.userId}`;
    owners.set(key, (owners.get(key) ?? 0) + 1);
  }
  for (const [key, count] of owners) if (count > 1) broken.push(`1: ${count} persistent sessions of ${key}`);

  for (const session of all) {
    const running = containers.filter(
      (one) => one.status === "running" && one.identity.sessionId === session.id,
    );
    if (running.length > 1) broken.push(`1: ${running.length} running containers of session ${session.id}`);
    if (session.state === "terminated" && running.length > 0)
      broken.push(`7: terminated session ${session.id} runs`);
    if (at === "rest") broken.push(...atRest(rig, session, running.length));
  }
  if (at === "rest") {
    const wanted = new Set(live.map((session) => session.containerId));
    const rows = await rig.store.containers.listLive();
    const members = new Set(rows.filter((row) => row.status === "available").map((row) => row.id));
    for (const one of containers) {
      if (!wanted.has(one.id) && !members.has(one.id))
        broken.push(`5: container ${one.id} belongs to no session`);
    }
  }
  return broken;
}

function atRest(rig: Rig, session: SessionRecord, running: number): string[] {
  const broken: string[] = [];
  const name = `session ${session.id} (${session.state} ${session.level ?? ""})`;
  if (session.operation !== null) broken.push(`6: ${name} is still ${session.operation.kind}`);
  if (session.state === "pending") broken.push(`6: ${name} never started`);
  const container = session.containerId === null ? undefined : rig.engine.containers.get(session.containerId);
  if (session.state === "active") {
    if (container?.status !== "running")
      broken.push(`3: ${name} has a container that is ${container?.status}`);
    else if (
      container.identity.sessionId !== session.id ||
      container.identity.generation !== session.generation
    ) {
      broken.push(`3: ${name} is answered by generation ${container.identity.generation} of another`);
    }
  }
  if (session.state === "suspended" && running > 0) broken.push(`${name} has a running container`);
  return broken;
}
