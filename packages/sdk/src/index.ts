export { type ApiErrorCode, VelocityApiError, VelocityNetworkError } from "./api-error.ts";
export { createVelocity, type Velocity, type VelocityOptions } from "./client.ts";
export type { EventStreamOptions } from "./event-stream.ts";
export type { FileRead, FilesApi, ProjectsApi, PutFilesResult, TemplatesApi } from "./projects.ts";
export type { SessionsApi, StartResult } from "./sessions.ts";
export type { CallOptions, FetchFunction } from "./transport.ts";
