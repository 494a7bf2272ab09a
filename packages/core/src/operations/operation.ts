import type { OperationKind, Phase, StartSource, StartTimings } from "@velocity/contract";
import type { OwnedSession } from "./owned-session.ts";

export type MutableTimings = { -readonly [K in keyof StartTimings]: StartTimings[K] };

export function noTimings(): MutableTimings {
  return { claimMs: null, filesMs: null, dependenciesMs: null, serverMs: null, probeMs: null, totalMs: null };
}

/** One operation while it runs. */
export interface OperationContext {
  readonly kind: OperationKind;
  /** Aborts at the deadline, when another operation takes over, and when the process leaves. */
  readonly signal: AbortSignal;
  readonly owned: OwnedSession;
  readonly timings: MutableTimings;
  /** Where the container comes from; null until that is decided. */
  source: StartSource | null;
  /** A named point between two effects: a fail-point for tests, and the place where an abort is noticed. */
  step(name: string): Promise<void>;
  /** Says that a phase begins and ends, and how long it took. `begunAt` where the work began before. */
  phase<T>(phase: Phase, work: () => Promise<T>, options?: PhaseOptions<T>): Promise<T>;
}

export interface PhaseOptions<T> {
  readonly timing?: keyof StartTimings;
  /** What to tell people about the result ("cached"). */
  detail?(result: T): string | undefined;
}
