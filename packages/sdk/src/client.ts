import type { ServerHealth } from "@velocity/contract";
import {
  createFilesApi,
  createProjectsApi,
  createTemplatesApi,
  type FilesApi,
  type ProjectsApi,
  type TemplatesApi,
} from "./projects.ts";
import { createSessionsApi, type SessionsApi } from "./sessions.ts";
import { type CallOptions, createTransport, type TransportOptions } from "./transport.ts";

export type VelocityOptions = TransportOptions;

export interface Velocity {
  readonly sessions: SessionsApi;
  readonly projects: ProjectsApi;
  readonly files: FilesApi;
  readonly templates: TemplatesApi;
  /** What the server says about itself; an unhealthy server is an answer too. */
  health(options?: CallOptions): Promise<ServerHealth>;
}

/**
 * A client of one Velocity server. Holds no connection and no state of its own, so it needs no closing.
 * Every call throws `VelocityApiError` when the server refuses, `VelocityNetworkError` when nobody answers, and the
 * signal's reason when it is aborted.
 */
export function createVelocity(options: VelocityOptions): Velocity {
  const transport = createTransport(options);
  return {
    sessions: createSessionsApi(transport),
    projects: createProjectsApi(transport),
    files: createFilesApi(transport),
    templates: createTemplatesApi(transport),
    health: (call) =>
      transport.json({
        method: "GET",
        path: "/health",
        accept: [503],
        repeatable: true,
        signal: call?.signal,
      }),
  };
}
