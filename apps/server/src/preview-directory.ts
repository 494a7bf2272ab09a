import { basename } from "node:path";
import type { Writable } from "node:stream";
import { sessionUrl } from "@velocity/api";
import { LOCAL_USER_ID, type Phase, type SessionEvent, startRequestSchema } from "@velocity/contract";
import type { Caller, SessionRecord } from "@velocity/core";
import type { Server } from "./start-server.ts";

const OWNER: Caller = { userId: LOCAL_USER_ID, role: "admin", createsUnknownProjects: true };

/** What a person is told when a phase begins; phases that take no time are not worth a line. */
const PHASE_WORDS: Partial<Record<Phase, string>> = {
  dependencies: "Dependencies: the project's own package manager installs what is missing, in its directory",
  server: "Starting the dev server",
};

/**
 * `npm start -- <directory>`: links the directory as a project, starts its session, tells what it does meanwhile, and
 * where the preview is.
 */
export async function previewDirectory(server: Server, directory: string, out: Writable): Promise<void> {
  const { projects, sessions } = server.core;
  const { project } = await projects.create(OWNER, { name: basename(directory) || directory, directory });
  out.write(`  ${project.name}\n`);
  const options = startRequestSchema.parse({ projectId: project.id, wait: false });
  const { session } = await sessions.start(OWNER, options);
  const settled = new AbortController();
  try {
    const events = await sessions.events(OWNER, session.id, null, settled.signal);
    const first = sessions.get(OWNER, session.id).then((view) => view.session);
    const ready = isSettled(await first) ? await first : await follow(server, session, events, out);
    out.write(`  ${sessionUrl(session.id, server)}\n`);
    if (ready.error !== null) out.write(`  ! ${ready.error.message} The page there says more.\n`);
    out.write("\n");
  } finally {
    settled.abort();
  }
}

function isSettled(session: SessionRecord): boolean {
  return session.operation === null && session.state !== "pending";
}

async function follow(
  server: Server,
  session: SessionRecord,
  events: AsyncIterable<SessionEvent>,
  out: Writable,
): Promise<SessionRecord> {
  const told = new Set<string>();
  for await (const event of events) {
    const { phase, status, source, text } = event.data;
    const words = PHASE_WORDS[phase as Phase];
    if (event.type === "phase" && status === "begin" && words !== undefined && !told.has(words)) {
      told.add(words);
      out.write(`  ${words} …\n`);
    } else if (event.type === "log" && source === "install" && typeof text === "string")
      out.write(`    ${text}\n`);
    if (event.type !== "state" && !(event.type === "phase" && status === "end")) continue;
    const view = await server.core.sessions.get(OWNER, session.id);
    if (isSettled(view.session)) return view.session;
  }
  return (await server.core.sessions.get(OWNER, session.id)).session;
}
