import { randomUUID } from "node:crypto";
import {
  type ContainerId,
  containerIdSchema,
  type ProjectId,
  projectIdSchema,
  type SessionId,
  sessionIdSchema,
  type UserId,
  userIdSchema,
} from "@velocity/contract";
import type { Cas, NewContainer, NewSession, Operation, ProjectStore } from "@velocity/core";

export const newSessionId = (): SessionId => sessionIdSchema.parse(randomUUID());
export const newProjectId = (): ProjectId => projectIdSchema.parse(randomUUID());
export const newUserId = (): UserId => userIdSchema.parse(randomUUID());
export const newContainerId = (): ContainerId => containerIdSchema.parse(randomUUID());

/** A moment with a fixed distance to others; stores keep milliseconds. */
export function moment(offsetMs = 0): Date {
  return new Date(Date.UTC(2030, 0, 1) + offsetMs);
}

export function newSession(overrides: Partial<NewSession> = {}): NewSession {
  return {
    id: newSessionId(),
    projectId: newProjectId(),
    userId: newUserId(),
    state: "pending",
    level: null,
    mode: "persistent",
    tier: "local",
    resources: { cpus: 0.5, memoryMb: 512, diskMb: null },
    visibility: "private",
    env: { GREETING: "grüß dich" },
    generation: 1,
    containerId: null,
    operation: null,
    health: {
      status: "unknown",
      checkedAt: null,
      checks: { http: "unknown", process: "unknown", resources: "unknown" },
    },
    error: null,
    createdAt: moment(),
    lastActivityAt: moment(),
    expiresAt: null,
    suspendedAt: null,
    endedAt: null,
    reconnectCount: 0,
    parentSessionId: null,
    restoredSnapshotId: null,
    ...overrides,
  };
}

export function newOperation(overrides: Partial<Operation> = {}): Operation {
  return {
    kind: "starting",
    phase: "queued",
    owner: randomUUID(),
    startedAt: moment(),
    deadlineAt: moment(60_000),
    ...overrides,
  };
}

export function newContainer(overrides: Partial<NewContainer> = {}): NewContainer {
  return {
    id: newContainerId(),
    driver: "fake",
    ref: null,
    status: "creating",
    sessionId: null,
    projectId: null,
    generation: 0,
    poolKey: null,
    tier: "local",
    createdAt: moment(),
    claimedAt: null,
    ...overrides,
  };
}

export function newProject(
  overrides: Partial<Parameters<ProjectStore["create"]>[0]> = {},
): Parameters<ProjectStore["create"]>[0] {
  return {
    id: newProjectId(),
    name: "A project",
    ownerId: newUserId(),
    source: "files",
    template: null,
    directory: null,
    ...overrides,
  };
}

export function text(path: string, content: string) {
  return { path, content, encoding: "utf8" as const };
}

/** The record of a write that has to have happened. */
export function written<T>(cas: Cas<T>): T {
  if (cas.kind !== "written") throw new Error("the write was stale");
  return cas.record;
}

/** As many promises as asked for, begun at once. */
export function times<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}
