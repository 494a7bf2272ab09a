import { PreviewFrame, type PreviewSessionHandle } from "@velocity/react";
import { useState } from "react";
import { CopyButton } from "../components/copy-button.tsx";
import { StageOverlay } from "./stage-overlay.tsx";

/** The preview with its address above it, like the window it would be in. */
export function PreviewStage(props: { readonly session: PreviewSessionHandle }) {
  const { session } = props;
  const [reloadKey, setReloadKey] = useState(0);
  const running = session.status === "running";
  const url = session.session !== null && session.session.state !== "terminated" ? session.session.url : null;
  return (
    <section aria-label="Preview" className="min-w-0 overflow-hidden rounded-xl border border-line bg-raised">
      <div className="flex h-11 items-center gap-1 border-b border-line px-2">
        <button
          type="button"
          aria-label="Reload the preview"
          aria-disabled={!running || undefined}
          onClick={() => running && setReloadKey((key) => key + 1)}
          className="grid size-7 place-items-center rounded text-muted hover:bg-sunken hover:text-ink aria-disabled:opacity-40"
        >
          <svg
            viewBox="0 0 16 16"
            className="size-4"
            fill="none"
            stroke="currentColor"
            strokeWidth="1.6"
            aria-hidden="true"
          >
            <path d="M13 8a5 5 0 1 1-1.6-3.7M13 2v3h-3" strokeLinecap="round" strokeLinejoin="round" />
          </svg>
        </button>
        <p className="min-w-0 flex-1 truncate px-1 font-mono text-xs text-muted">
          {url ?? "The address appears with the session"}
        </p>
        {url !== null && <CopyButton text={url} label="the preview's address" />}
        {running && session.previewUrl !== null && (
          <a
            href={session.previewUrl}
            target="_blank"
            rel="noreferrer"
            className="rounded px-1.5 py-0.5 text-xs font-semibold text-accent hover:bg-accent-soft"
          >
            Open<span className="sr-only"> the preview in a new tab</span>
          </a>
        )}
      </div>
      <PreviewFrame
        session={session}
        reloadKey={reloadKey}
        className="h-[min(70dvh,46rem)] min-h-[24rem] bg-sunken text-accent"
        overlay={(current, behind) => <StageOverlay session={current} behind={behind} />}
      />
    </section>
  );
}
