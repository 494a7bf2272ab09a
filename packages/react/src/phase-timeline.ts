import type { OperationKind, Phase, SessionEvent } from "@velocity/contract";

/** One step of a start (or resume, restart…), in the order it began. */
export interface PhaseTiming {
  readonly phase: Phase;
  readonly status: "running" | "done" | "failed";
  /** Server time, milliseconds since the epoch. */
  readonly startedAt: number;
  /** Duration; null while it runs. */
  readonly ms: number | null;
  readonly detail: string | null;
}

/** The steps of the newest operation that brings a session up. */
export interface PhaseTimeline {
  readonly operation: OperationKind | null;
  readonly phases: readonly PhaseTiming[];
  /** No more steps will follow; the next one belongs to another operation. */
  readonly complete: boolean;
}

export const EMPTY_TIMELINE: PhaseTimeline = { operation: null, phases: [], complete: true };

/** Operations that end with a running preview; the others have no steps that anyone waits for. */
const SHOWN: ReadonlySet<string> = new Set<OperationKind>([
  "starting",
  "resuming",
  "restarting",
  "restoring",
  "replacing",
]);

/** The timeline after one more event. Replayed events give the same timeline as live ones. */
export function reduceTimeline(timeline: PhaseTimeline, event: SessionEvent): PhaseTimeline {
  if (event.type === "state") return closeTimeline(timeline, event);
  if (event.type !== "phase") return timeline;
  const { operation, phase, status, ms, detail } = event.data;
  if (typeof operation !== "string" || typeof phase !== "string" || !SHOWN.has(operation)) return timeline;
  const at = Date.parse(event.at);
  const step: PhaseTiming = {
    phase: phase as Phase,
    status: "running",
    startedAt: at,
    ms: null,
    detail: typeof detail === "string" ? detail : null,
  };
  const known = timeline.phases.find((one) => one.phase === phase);
  if (status === "begin") {
    const anew =
      timeline.complete ||
      timeline.operation !== operation ||
      (known !== undefined && known.status !== "running");
    const before = anew ? [] : timeline.phases.filter((one) => one !== known);
    return { operation: operation as OperationKind, phases: [...before, step], complete: false };
  }
  const duration = typeof ms === "number" ? ms : known === undefined ? 0 : Math.max(0, at - known.startedAt);
  const ended: PhaseTiming = {
    ...(known ?? step),
    startedAt: known?.startedAt ?? at - duration,
    status: "done",
    ms: duration,
    detail: step.detail ?? known?.detail ?? null,
  };
  // The end of the last step may come after the change of state that it made.
  const late = timeline.operation === operation && known !== undefined;
  if (!late && (timeline.complete || timeline.operation !== operation)) {
    return { operation: operation as OperationKind, phases: [ended], complete: false };
  }
  return {
    ...timeline,
    phases:
      known === undefined
        ? [...timeline.phases, ended]
        : timeline.phases.map((one) => (one === known ? ended : one)),
  };
}

function closeTimeline(timeline: PhaseTimeline, event: SessionEvent): PhaseTimeline {
  if (timeline.complete || event.data.state === "pending") return timeline;
  const status = event.data.state === "active" ? "done" : "failed";
  const at = Date.parse(event.at);
  return {
    ...timeline,
    complete: true,
    phases: timeline.phases.map((one) =>
      one.status === "running" ? { ...one, status, ms: Math.max(0, at - one.startedAt) } : one,
    ),
  };
}

/** From the first step's begin to the last one's end; the running step counts up to `nowMs`. */
export function timelineTotalMs(phases: readonly PhaseTiming[], nowMs: number): number | null {
  const first = phases[0];
  if (first === undefined) return null;
  const ends = phases.map((one) => one.startedAt + phaseElapsedMs(one, nowMs));
  return Math.max(...ends) - first.startedAt;
}

/** How long a step has taken so far, or took. */
export function phaseElapsedMs(phase: PhaseTiming, nowMs: number): number {
  return phase.ms ?? Math.max(0, nowMs - phase.startedAt);
}
