import { randomUUID } from "node:crypto";
import { installIdSchema, VelocityError } from "@velocity/contract";
import type { Store } from "@velocity/core";
import { memoryContainers } from "./memory-containers.ts";
import { memoryEvents } from "./memory-events.ts";
import { memoryIdempotency } from "./memory-idempotency.ts";
import { memoryProjects } from "./memory-projects.ts";
import { memorySessions } from "./memory-sessions.ts";

/**
 * A store in memory that keeps the promises of the port: it passes `describeStore` like the real ones. Every call yields
 * once before it acts in one piece, so that races can happen. `now` stamps history and state events, as the database's
 * own clock does.
 */
export function memoryStore(now: () => Date = () => new Date()): Store {
  const installId = installIdSchema.parse(randomUUID());
  const known = new Set<string>();
  const events = memoryEvents({ yieldOnce, knows: (id) => known.has(id) });
  return {
    sessions: memorySessions({ yieldOnce, now, known, tell: events.tell }),
    containers: memoryContainers(yieldOnce),
    projects: memoryProjects(yieldOnce),
    events: events.store,
    idempotency: memoryIdempotency(yieldOnce),
    installId: async () => installId,
    async ping(signal) {
      if (signal.aborted)
        throw new VelocityError("database_unavailable", "The database does not answer.", {
          cause: signal.reason,
        });
    },
    async close() {},
  };
}

function yieldOnce(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
