/** Moves a session and changes a file for ever, and says after each commit which version was committed. */
import { randomUUID } from "node:crypto";
import { projectIdSchema, sessionIdSchema } from "@velocity/contract";
import { silentLog } from "@velocity/core";
import { openStore } from "../open-store.ts";

const [dataDir = "", session, project] = process.argv.slice(2);
const sessionId = sessionIdSchema.parse(session);
const projectId = projectIdSchema.parse(project);
const store = await openStore({ dataDir }, { log: silentLog });
for (;;) {
  const current = await store.sessions.get(sessionId);
  if (current === null) throw new Error("the session is missing");
  const state = current.state === "active" ? "disconnected" : "active";
  const moved = await store.sessions.transition(
    sessionId,
    current.version,
    { state, level: null, reason: "next" },
    {},
  );
  if (moved.kind !== "written") throw new Error("somebody else wrote");
  const file = { path: "file.txt", content: randomUUID().repeat(500), encoding: "utf8" as const };
  const applied = await store.projects.apply(projectId, { files: [file], deletes: [] }, new Date());
  if (applied.kind !== "applied") throw new Error("the change was not applied");
  process.stdout.write(`${moved.record.version} ${applied.version} ${file.content.slice(0, 36)}\n`);
}
