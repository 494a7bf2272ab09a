import type { OperationKind, Phase } from "@velocity/contract";
import type { Operation } from "../session-record.ts";

/** How long each operation may take, in milliseconds. Those that may install dependencies get the longest. */
const DEADLINE_MS: Readonly<Record<OperationKind, number>> = {
  starting: 600_000,
  resuming: 600_000,
  replacing: 600_000,
  restoring: 600_000,
  restarting: 180_000,
  snapshotting: 120_000,
  freezing: 30_000,
  hibernating: 60_000,
  terminating: 60_000,
};

export function newOperation(kind: OperationKind, phase: Phase, owner: string, now: Date): Operation {
  return { kind, phase, owner, startedAt: now, deadlineAt: new Date(now.getTime() + DEADLINE_MS[kind]) };
}

/** Whether nobody works on it any more: past its deadline, or its owner is known to be gone. */
export function isAbandoned(
  operation: Operation,
  at: {
    readonly now: Date;
    readonly ownerId: string;
    /** This process runs an operation of this session right now. */
    readonly running: boolean;
    readonly soleOrchestrator: boolean;
  },
): boolean {
  if (at.running) return false;
  if (operation.owner === at.ownerId || at.soleOrchestrator) return true;
  return operation.deadlineAt.getTime() <= at.now.getTime();
}
