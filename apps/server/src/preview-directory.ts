import { basename } from "node:path";
import type { Writable } from "node:stream";
import { LOCAL_USER_ID, startRequestSchema } from "@velocity/contract";
import type { Caller } from "@velocity/core";
import type { Server } from "./start-server.ts";

const OWNER: Caller = { userId: LOCAL_USER_ID, role: "admin", createsUnknownProjects: true };

/** `npm start -- <directory>`: links the directory as a project, starts its session, and says where it is. */
export async function previewDirectory(server: Server, directory: string, out: Writable): Promise<void> {
  const { projects, sessions } = server.core;
  const { project } = await projects.create(OWNER, { name: basename(directory) || directory, directory });
  out.write(`  Starting ${project.name} …\n`);
  const options = startRequestSchema.parse({ projectId: project.id, waitMs: 600_000 });
  const { session } = await sessions.start(OWNER, options);
  out.write(`  ${project.name}  http://${session.id}.${server.previewDomain}:${server.port}\n`);
  if (session.error !== null) out.write(`  ! ${session.error.message}\n`);
  out.write("\n");
}
