import { registerGetDriver } from "./driver-get/route.ts";
import { registerHealth } from "./health/route.ts";
import { registerGetPool } from "./pool-get/route.ts";
import { registerImportArchive } from "./projects/archive/route.ts";
import { registerCreateProject } from "./projects/create/route.ts";
import { registerDeleteProject } from "./projects/delete/route.ts";
import { registerDeleteFile } from "./projects/file-delete/route.ts";
import { registerReadFile } from "./projects/file-read/route.ts";
import { registerFileVersions } from "./projects/file-versions/route.ts";
import { registerWriteFile } from "./projects/file-write/route.ts";
import { registerListFiles } from "./projects/files-list/route.ts";
import { registerPutFiles } from "./projects/files-put/route.ts";
import { registerGetProject } from "./projects/get/route.ts";
import { registerListProjects } from "./projects/list/route.ts";
import { registerUpdateProject } from "./projects/update/route.ts";
import { registerReady } from "./ready/route.ts";
import type { RegisterRoute } from "./route-deps.ts";
import { registerSessionRedirect } from "./session-redirect/route.ts";
import { registerSessionEvents } from "./sessions/events/route.ts";
import { registerExec } from "./sessions/exec/route.ts";
import { registerGetSession } from "./sessions/get/route.ts";
import { registerHeartbeat } from "./sessions/heartbeat/route.ts";
import { registerSessionHistory } from "./sessions/history/route.ts";
import { registerListSessions } from "./sessions/list/route.ts";
import { registerSessionLogs } from "./sessions/logs/route.ts";
import { registerRestartSession } from "./sessions/restart/route.ts";
import { registerResumeSession } from "./sessions/resume/route.ts";
import { registerStartSession } from "./sessions/start/route.ts";
import { registerStopSession } from "./sessions/stop/route.ts";
import { registerSuspendSession } from "./sessions/suspend/route.ts";
import { registerDeleteSession, registerTerminateSession } from "./sessions/terminate/route.ts";
import { registerListTemplates } from "./templates-list/route.ts";

/** Every documented route, in the order of the reference. */
export const ROUTES: readonly RegisterRoute[] = [
  registerStartSession,
  registerListSessions,
  registerGetSession,
  registerStopSession,
  registerSuspendSession,
  registerResumeSession,
  registerRestartSession,
  registerHeartbeat,
  registerTerminateSession,
  registerDeleteSession,
  registerSessionEvents,
  registerSessionHistory,
  registerSessionLogs,
  registerExec,
  registerListProjects,
  registerCreateProject,
  registerGetProject,
  registerUpdateProject,
  registerDeleteProject,
  registerListFiles,
  registerPutFiles,
  registerImportArchive,
  registerReadFile,
  registerWriteFile,
  registerDeleteFile,
  registerFileVersions,
  registerListTemplates,
  registerGetDriver,
  registerGetPool,
  registerHealth,
  registerReady,
  registerSessionRedirect,
];
