import { type BehindOverlay, type PreviewSessionHandle, phaseElapsedMs, useNow } from "@velocity/react";
import type { ReactNode } from "react";
import { Button } from "../components/button.tsx";
import { ErrorCard } from "../components/error-card.tsx";
import { formatDuration } from "../format-time.ts";
import { PHASE_WORDS } from "./session-words.ts";

export interface StageOverlayProps {
  readonly session: PreviewSessionHandle;
  readonly behind: BehindOverlay;
}

/** What stands in front of the preview while it is not running. A stopped page shows through: it is still there. */
export function StageOverlay(props: StageOverlayProps) {
  const { session } = props;
  const seeThrough = props.behind === "page";
  switch (session.status) {
    case "loading":
      return <Cover title="Looking for your session" busy />;
    case "idle":
      return (
        <Cover title="Nothing is running yet">
          <p>Press Start. The project gets a container of its own, and its dev server opens here.</p>
        </Cover>
      );
    case "starting":
      return <Starting {...props} />;
    case "running":
      return <Cover title="Opening the preview" busy />;
    case "stopping":
      return <Cover title="Stopping" busy seeThrough={seeThrough} />;
    case "stopped":
      return (
        <Cover
          title="Stopped, and kept as you left it"
          seeThrough={seeThrough}
          action={
            <Button look="solid" onClick={() => void session.start()}>
              Continue
            </Button>
          }
        >
          <p>
            {session.session?.level === "hibernated"
              ? "It sleeps deeply: files are kept, and the dev server starts again with it."
              : "Files and processes wait where they are."}
          </p>
        </Cover>
      );
    case "ended":
      return (
        <Cover title="This session has ended">
          <p>Its container is gone; the project and its files are not. Press Start for a new session.</p>
        </Cover>
      );
    case "failed":
      return (
        <div
          role="alert"
          className="absolute inset-0 grid grid-cols-[minmax(0,1fr)] place-items-center overflow-auto bg-sunken p-3 text-ink sm:p-5"
        >
          {session.error === null ? null : (
            <ErrorCard error={session.error}>
              <Button look="solid" onClick={() => void session.start()}>
                Try again
              </Button>
            </ErrorCard>
          )}
        </div>
      );
  }
}

function Starting(props: StageOverlayProps) {
  const { phases } = props.session;
  const current = phases.findLast((one) => one.status === "running");
  const now = useNow(current === undefined ? null : 100);
  const elapsed = current === undefined ? null : phaseElapsedMs(current, now);
  return (
    <Cover
      title={current === undefined ? "Starting" : PHASE_WORDS[current.phase].doing}
      busy
      seeThrough={props.behind === "page"}
    >
      <p className="font-mono text-sm tabular-nums" aria-hidden="true">
        {elapsed === null ? "\u00a0" : formatDuration(elapsed)}
      </p>
      {current?.phase === "dependencies" && elapsed !== null && elapsed > 4_000 && (
        <p>The first install of a project takes a while. The next start has it already.</p>
      )}
    </Cover>
  );
}

interface CoverProps {
  readonly title: string;
  readonly busy?: boolean;
  /** The page behind is still the person's own: shown, with the words at its foot. */
  readonly seeThrough?: boolean;
  readonly action?: ReactNode;
  readonly children?: ReactNode;
}

function Cover({ title, busy = false, seeThrough = false, action, children }: CoverProps) {
  if (seeThrough) {
    return (
      <div className="absolute inset-0 flex items-end justify-center bg-sunken/60 p-3 text-ink sm:p-5">
        <div className="flex w-full max-w-xl flex-wrap items-center gap-x-5 gap-y-3 rounded-xl border border-line bg-raised px-5 py-4">
          <div className={busy ? "" : "max-sm:hidden"}>
            <Strokes busy={busy} />
          </div>
          <div className="min-w-0 flex-[1_1_12rem]">
            <p className="font-semibold" role="status">
              {title}
            </p>
            <div className="text-sm text-muted empty:hidden">{children}</div>
          </div>
          {action}
        </div>
      </div>
    );
  }
  return (
    <div className="absolute inset-0 grid grid-cols-[minmax(0,1fr)] place-items-center overflow-auto bg-sunken p-5 text-ink">
      <div className="grid max-w-sm justify-items-center gap-3 text-center">
        <Strokes busy={busy} />
        <p className="display text-lg sm:text-xl" role="status">
          {title}
        </p>
        <div className="text-pretty text-sm text-muted empty:hidden">{children}</div>
        {action}
      </div>
    </div>
  );
}

/** The mark's three strokes; they breathe one after the other while something is under way. */
function Strokes(props: { readonly busy: boolean }) {
  const strokes = ["M8 8l8 20", "M20 8l8 20", "M32 8l5.2 13"];
  return (
    <svg
      viewBox="0 0 46 36"
      className="h-8"
      fill="none"
      strokeWidth="3.4"
      strokeLinecap="round"
      aria-hidden="true"
    >
      {strokes.map((path, index) => (
        <path
          key={path}
          d={path}
          className={props.busy ? "animate-breathe stroke-accent" : "stroke-line"}
          style={{ animationDelay: `${index * 0.25}s` }}
        />
      ))}
    </svg>
  );
}
