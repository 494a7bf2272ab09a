import {
  type OperationKind,
  type Phase,
  type SessionId,
  type StartSource,
  type SuspendLevel,
  VelocityError,
} from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import { invalidState } from "../lifecycle/transition.ts";
import type { SessionRecord } from "../session-record.ts";
import type { OperationContext } from "./operation.ts";
import type { Body, Decision } from "./operations.ts";
import { replaceContainer } from "./replace.ts";
import { restartServer } from "./restart.ts";
import { resumeSession } from "./resume.ts";
import { startSession } from "./start.ts";
import { checkLevel, stopLevel, suspendSession } from "./suspend.ts";
import { terminateSession } from "./terminate.ts";

/** The operations by id, for whoever has the right already: API, gateway and reconciler share them. */
export interface Verbs {
  wake(id: SessionId): Promise<StartSource>;
  stop(id: SessionId, reason: string): Promise<void>;
  suspend(id: SessionId, level: SuspendLevel, reason: string): Promise<void>;
  /** The row says that it sleeps and the engine says that it runs: the engine follows the row. */
  sleepAgain(id: SessionId, level: SuspendLevel, reason: string): Promise<void>;
  restart(id: SessionId, target: "server" | "container"): Promise<void>;
  replace(id: SessionId, options: { fresh: boolean; reason: string }): Promise<void>;
  terminate(id: SessionId, reason: string): Promise<void>;
  /** Finishes an operation that lost its owner. */
  repair(id: SessionId): Promise<void>;
}

export function createVerbs(core: CoreContext): Verbs {
  const { operations } = core;

  const verbs: Verbs = {
    wake: (id) =>
      operations.perform<StartSource>(id, ["starting", "resuming", "replacing"], (session) => {
        switch (session.state) {
          case "terminated":
            throw session.error === null
              ? invalidState(session, "cannot be resumed")
              : new VelocityError("start_failed", session.error.message, {
                  context: { code: session.error.code },
                });
          case "pending":
            return run("starting", "queued", (op) => startSession(core, op).then((up) => up.source));
          case "suspended":
            return run("resuming", "queued", (op) => resumeSession(core, op));
          case "active":
          case "disconnected":
            if (session.operation === null) return done("reused");
            if (session.operation.kind === "terminating") throw invalidState(session, "is being terminated");
            return run("replacing", "queued", (op) => takeOver(op, "resumed after an interrupted operation"));
        }
      }),

    stop: async (id, reason) => {
      const session = await core.ledger.current(id);
      if (session?.mode === "ephemeral" && session.state !== "terminated") await verbs.terminate(id, reason);
      else await suspend(id, stopLevel(core), reason, { anyLevel: true });
    },

    suspend: (id, level, reason) => suspend(id, level, reason, {}),

    sleepAgain: (id, level, reason) => suspend(id, level, reason, { again: true }),

    restart: (id, target) =>
      target === "container"
        ? verbs.replace(id, { fresh: true, reason: "restarted" })
        : operations.perform<void>(
            id,
            [],
            onceThen("restarting", (op) => restartServer(core, op)),
          ),

    replace: (id, options) =>
      operations.perform<void>(
        id,
        [],
        onceThen("replacing", (op) => replaceContainer(core, op, options).then(() => {})),
      ),

    terminate: (id, reason) =>
      operations.perform<void>(id, ["terminating"], (session) =>
        session.state === "terminated"
          ? done(undefined)
          : run("terminating", "destroy", (op) => terminateSession(core, op, reason)),
      ),

    repair: async (id) => {
      const session = await core.ledger.read(id);
      if (session === null || session.state === "terminated") return;
      const kind = session.operation?.kind ?? (session.state === "pending" ? "starting" : null);
      switch (kind) {
        case null:
          return;
        case "terminating":
          return verbs.terminate(id, "terminated");
        case "freezing":
          return suspend(id, "frozen", "stopped", { repairing: true });
        case "hibernating":
          return suspend(id, "hibernated", "stopped", { repairing: true });
        case "starting":
        case "resuming":
        case "restarting":
        case "replacing":
        case "restoring":
        case "snapshotting":
          await verbs.wake(id);
      }
    },
  };
  return verbs;

  function suspend(
    id: SessionId,
    level: SuspendLevel,
    reason: string,
    how: { readonly anyLevel?: true; readonly repairing?: true; readonly again?: true },
  ): Promise<void> {
    const kind = level === "frozen" ? "freezing" : "hibernating";
    return operations.perform<void>(id, [kind], (session) => {
      checkLevel(core, level);
      const settled = session.operation === null;
      switch (session.state) {
        case "suspended":
          if (how.again === true && session.level !== level) return done(undefined);
          if (settled && how.again !== true && (how.anyLevel === true || session.level === level)) {
            return done(undefined);
          }
          // Frozen may go deeper; a hibernated one has no memory left to freeze.
          if (level === "frozen" && session.level === "hibernated") {
            if (how.repairing === true)
              return run("hibernating", "suspend", (op) => suspendSession(core, op, "hibernated", reason));
            throw invalidState(session, "cannot be frozen");
          }
          break;
        case "terminated":
          throw invalidState(session, "cannot be suspended");
        case "pending":
          // Its start lost its owner: it is brought up first, by whoever repairs it.
          throw invalidState(session, "is still starting");
        case "active":
        case "disconnected":
          if (how.again === true) return done(undefined);
          if (session.operation?.kind === "terminating") throw invalidState(session, "is being terminated");
      }
      return run(kind, "suspend", (op) => suspendSession(core, op, level, reason));
    });
  }

  function takeOver(op: OperationContext, reason: string): Promise<StartSource> {
    return replaceContainer(core, op, { fresh: false, reason }).then((up) => up.source);
  }

  /** Runs once for this caller; asked again after it ran, there is nothing left to do. */
  function onceThen(operation: "restarting" | "replacing", body: Body<void>) {
    return (session: SessionRecord): Decision<void> => {
      if (session.state !== "active" && session.state !== "disconnected") {
        throw invalidState(
          session,
          operation === "restarting" ? "cannot be restarted" : "has no running container",
        );
      }
      if (session.operation?.kind === "terminating") throw invalidState(session, "is being terminated");
      return run(operation, "queued", body);
    };
  }
}

function done<T>(value: T): Decision<T> {
  return { kind: "done", value };
}

function run<T>(operation: OperationKind, phase: Phase, body: Body<T>): Decision<T> {
  return { kind: "run", operation, phase, body };
}
