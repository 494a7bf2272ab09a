import type { Phase } from "@velocity/contract";
import {
  type PhaseTiming,
  type PreviewSessionHandle,
  phaseElapsedMs,
  timelineTotalMs,
  useNow,
} from "@velocity/react";
import { formatDuration } from "../format-time.ts";
import { PHASE_WORDS, SOURCE_WORDS, START_PHASES } from "./session-words.ts";

/** Where the time of a start went, or goes right now: one row a step, each bar where it lies in the whole. */
export function PhasePanel(props: { readonly session: PreviewSessionHandle }) {
  const { phases, source, status } = props.session;
  const live = phases.some((one) => one.status === "running");
  const now = useNow(live ? 100 : null);
  const total = timelineTotalMs(phases, now);
  const rows = rowsOf(phases, status === "starting");
  return (
    <section aria-labelledby="phases-heading">
      <div className="flex items-baseline justify-between">
        <h2 id="phases-heading" className="eyebrow">
          {live || status === "starting" ? "Starting" : "Last start"}
        </h2>
        <p className="font-mono text-xs tabular-nums text-muted">
          {total === null ? "" : formatDuration(total)}
        </p>
      </div>
      {rows.length === 0 ? (
        <p className="mt-2 text-sm text-muted">Each step of a start appears here with the time it took.</p>
      ) : (
        <ol className="mt-2 border-t border-line">
          {rows.map((row) => (
            <PhaseRow
              key={row.phase}
              row={row}
              first={phases[0]?.startedAt ?? 0}
              total={total ?? 0}
              now={now}
            />
          ))}
        </ol>
      )}
      {source !== null && status === "running" && (
        <p className="mt-2 text-xs text-muted">From {SOURCE_WORDS[source]}.</p>
      )}
    </section>
  );
}

interface Row {
  readonly phase: Phase;
  readonly timing: PhaseTiming | null;
}

/** While starting, the steps still to come are listed too; afterwards only those that happened. */
function rowsOf(phases: readonly PhaseTiming[], starting: boolean): readonly Row[] {
  const happened = phases.map((timing) => ({ phase: timing.phase, timing }));
  if (!starting) return happened;
  const lastKnown = Math.max(-1, ...phases.map((one) => START_PHASES.indexOf(one.phase)));
  const coming = START_PHASES.slice(lastKnown + 1).map((phase) => ({ phase, timing: null }));
  return [...happened, ...coming];
}

interface PhaseRowProps {
  readonly row: Row;
  readonly first: number;
  readonly total: number;
  readonly now: number;
}

function PhaseRow({ row, first, total, now }: PhaseRowProps) {
  const { timing } = row;
  const elapsed = timing === null ? null : phaseElapsedMs(timing, now);
  const scale = total > 0 ? 100 / total : 0;
  const left = timing === null ? 0 : Math.min(99, Math.max(0, (timing.startedAt - first) * scale));
  const width = elapsed === null ? 0 : Math.min(100 - left, Math.max(1, elapsed * scale));
  const tone =
    timing?.status === "failed" ? "bg-danger" : timing?.status === "running" ? "bg-accent" : "bg-accent/55";
  return (
    <li className="grid grid-cols-[6.5rem_minmax(0,1fr)_4.5rem] items-center gap-3 border-b border-line py-1.5 text-sm">
      <span
        className={timing === null ? "text-muted/70" : timing.status === "running" ? "font-semibold" : ""}
      >
        {PHASE_WORDS[row.phase].name}
      </span>
      <span className="relative h-1.5" aria-hidden="true">
        {timing !== null && (
          <span
            className={`absolute inset-y-0 rounded-full ${tone}`}
            style={{ left: `${left}%`, width: `${width}%` }}
          />
        )}
      </span>
      <span className="text-right font-mono text-xs tabular-nums text-muted">
        {elapsed === null ? "" : formatDuration(elapsed)}
        <span className="sr-only">
          {timing === null
            ? "to come"
            : timing.status === "running"
              ? " so far"
              : timing.status === "failed"
                ? " failed"
                : ""}
        </span>
      </span>
    </li>
  );
}
