import { type UserId, userIdSchema } from "@velocity/contract";
import { type Clock, silentLog, systemClock } from "@velocity/core";
import { noAuthenticator } from "../auth/no-authenticator.ts";
import { createApi } from "../create-api.ts";
import type { ApiDeps } from "../deps.ts";
import { MemoryIdempotency } from "./memory-idempotency.ts";
import { MemoryProjects } from "./memory-projects.ts";
import { MemorySessions } from "./memory-sessions.ts";

export const ORIGIN = "http://velocity.localhost:4400";
export const EDITOR_ORIGIN = "https://editor.example";
export const PROJECT_ID = "550e8400-e29b-41d4-a716-446655440000";
export const ALICE: UserId = userIdSchema.parse("00000000-0000-4000-8000-00000000000a");
export const BOB: UserId = userIdSchema.parse("00000000-0000-4000-8000-00000000000b");

export const testDriver: ApiDeps["driver"] = {
  name: "fake",
  capabilities: {
    suspend: "memory",
    arbitratesNames: true,
    watch: false,
    exec: true,
    isolation: "none",
    limits: [],
    network: ["full"],
    seedsWorkspace: true,
    notes: [],
  },
};

/** An API over memory, with everything at hand that a test looks into. */
export function testApi(overrides: Partial<ApiDeps> = {}) {
  const projects = new MemoryProjects();
  const sessions = new MemorySessions(projects);
  const deps: ApiDeps = {
    sessions,
    projects,
    driver: testDriver,
    pool: {
      status: async () => ({
        size: 1,
        available: 1,
        creating: 0,
        templates: [{ template: "react", available: 1, creating: 0 }],
      }),
    },
    idempotency: new MemoryIdempotency(),
    authenticator: noAuthenticator,
    health: async () => ({
      status: "ok",
      timestamp: "2026-01-01T00:00:00.000Z",
      version: "0.1.0",
      checks: { database: true, driver: true, blobs: true },
    }),
    config: {
      publicUrl: ORIGIN,
      previewDomain: "velocity.localhost",
      port: 4400,
      authMode: "none",
      version: "0.1.0",
      editorOrigins: [ORIGIN, EDITOR_ORIGIN],
    },
    log: silentLog,
    clock: systemClock,
    ...overrides,
  };
  const api = createApi(deps);
  return {
    api,
    sessions,
    projects,
    /** A request as a program makes it; `json` sets body and type. */
    request(method: string, path: string, init: RequestOptions = {}): Promise<Response> {
      const headers = new Headers(init.headers);
      if (!headers.has("host")) headers.set("host", "velocity.localhost:4400");
      if (init.json !== undefined && !headers.has("content-type"))
        headers.set("content-type", "application/json");
      const body = init.json === undefined ? init.body : JSON.stringify(init.json);
      return api.fetch(
        new Request(`http://${headers.get("host")}${path}`, {
          method,
          headers,
          ...(body === undefined ? {} : { body, duplex: "half" }),
          ...(init.signal === undefined ? {} : { signal: init.signal }),
        }),
      );
    },
  };
}

export interface RequestOptions {
  readonly headers?: Record<string, string>;
  readonly json?: unknown;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
}

/** Whoever the bearer token names, as a plain user. */
export const nameAuthenticator: ApiDeps["authenticator"] = {
  async authenticate({ authorization }) {
    const userId = { "Bearer alice": ALICE, "Bearer bob": BOB }[authorization ?? ""];
    return userId === undefined ? null : { userId, role: "user", createsUnknownProjects: false };
  },
};

/** A clock whose sleeps end when the test says so. */
export class StepClock implements Clock {
  #sleepers = new Set<() => void>();
  now() {
    return new Date("2026-01-01T00:00:00.000Z");
  }
  sleep(_ms: number, signal?: AbortSignal) {
    return new Promise<void>((resolve, reject) => {
      const wake = () => {
        this.#sleepers.delete(wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal?.addEventListener("abort", () => {
        this.#sleepers.delete(wake);
        reject(signal.reason);
      });
    });
  }
  get sleeping() {
    return this.#sleepers.size;
  }
  wakeAll() {
    for (const wake of [...this.#sleepers]) wake();
  }
}
