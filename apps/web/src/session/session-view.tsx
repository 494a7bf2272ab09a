import { usePreviewSession } from "@velocity/react";
import { Button } from "../components/button.tsx";
import { ConnectionBanner } from "../components/connection-banner.tsx";
import { ErrorCard } from "../components/error-card.tsx";
import { StateChip } from "../components/state-chip.tsx";
import { PhasePanel } from "./phase-panel.tsx";
import { PreviewStage } from "./preview-stage.tsx";
import { SessionFacts } from "./session-facts.tsx";
import { SessionLog } from "./session-log.tsx";
import { statusWord } from "./session-words.ts";

export interface SessionViewProps {
  readonly projectId: string;
  readonly name: string;
  readonly about: string;
  readonly autoStart: boolean;
}

export function SessionView(props: SessionViewProps) {
  const session = usePreviewSession({ projectId: props.projectId, autoStart: props.autoStart });
  const { status } = session;
  const busy = status === "starting" || status === "stopping" || status === "loading";
  return (
    <div className="pb-12 pt-6 sm:pt-8">
      <div className="flex flex-wrap items-end justify-between gap-x-8 gap-y-5">
        <div className="min-w-0 max-w-2xl">
          <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
            <h1 className="display text-2xl sm:text-3xl">{props.name}</h1>
            <span role="status" aria-label="Session state">
              <StateChip word={statusWord(status, session.session?.error != null)} />
            </span>
          </div>
          <p className="mt-2 text-sm text-muted">{props.about}</p>
        </div>
        <div className="flex flex-wrap gap-2">
          <Button
            look={status === "running" ? "plain" : "solid"}
            unavailable={busy || status === "running"}
            onClick={() => void session.start()}
          >
            Start
          </Button>
          <Button unavailable={status !== "running"} onClick={() => void session.stop()}>
            Stop
          </Button>
          <Button unavailable={busy} onClick={() => void session.startFresh()}>
            Start fresh
          </Button>
        </div>
      </div>
      <ConnectionBanner lost={session.connection === "lost"} />
      {session.error !== null && status === "running" && (
        <div className="mt-5" role="alert">
          <ErrorCard error={session.error} folded>
            <Button onClick={() => void session.restart("server")}>Restart the dev server</Button>
          </ErrorCard>
        </div>
      )}
      <div className="mt-6 grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_21rem]">
        {/* On a narrow screen the steps come between preview and log; on a wide one they stand beside both. */}
        <div className="contents lg:block lg:min-w-0 lg:space-y-6">
          <PreviewStage session={session} />
          <div className="order-last min-w-0">
            <SessionLog session={session} />
          </div>
        </div>
        <aside aria-label="Session" className="space-y-8 lg:pt-1">
          <PhasePanel session={session} />
          <SessionFacts session={session} />
        </aside>
      </div>
    </div>
  );
}
