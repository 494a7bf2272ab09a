import { type CSSProperties, type ReactNode, useState } from "react";
import type { PreviewSessionHandle } from "./use-preview-session.ts";

/** Whether the overlay covers a page that goes on later, or nothing. */
export type BehindOverlay = "page" | "nothing";

export interface PreviewFrameProps {
  readonly session: PreviewSessionHandle;
  /** Accessible name of the iframe. Default "Preview". */
  readonly title?: string | undefined;
  /** Grow it to load the preview again from its start address. */
  readonly reloadKey?: number | undefined;
  readonly className?: string | undefined;
  /** Permissions policy; the default gives what dev previews commonly use and no camera, microphone or location. */
  readonly allow?: string | undefined;
  /** Drawn over the frame whenever the preview is not running; the default is plain text with a button. */
  readonly overlay?: ((session: PreviewSessionHandle, behind: BehindOverlay) => ReactNode) | undefined;
}

/**
 * Previews live on an origin of their own, so `allow-same-origin` gives them their own storage and nothing of this
 * page. Top navigation is left out: a preview may not replace the page around it.
 */
const SANDBOX = [
  "allow-scripts",
  "allow-same-origin",
  "allow-forms",
  "allow-modals",
  "allow-popups",
  "allow-popups-to-escape-sandbox",
  "allow-downloads",
  "allow-pointer-lock",
  "allow-presentation",
].join(" ");

const ALLOW =
  "accelerometer; autoplay; clipboard-read; clipboard-write; encrypted-media; fullscreen; gamepad; gyroscope; picture-in-picture; screen-wake-lock; xr-spatial-tracking";

const FILL: CSSProperties = { position: "absolute", inset: 0, width: "100%", height: "100%", border: 0 };

/**
 * The running preview. A stopped session keeps its document alive behind the overlay, so that the same page, with all
 * of its state, goes on when it is started again; only another session, or its end, unloads it.
 */
export function PreviewFrame(props: PreviewFrameProps) {
  const { session } = props;
  const reloadKey = props.reloadKey ?? 0;
  const sessionId = session.session?.id ?? null;
  const ended = session.session === null || session.session.state === "terminated";
  const [open, setOpen] = useState<{ id: string; src: string; reloadKey: number } | null>(null);
  const [loadedKey, setLoadedKey] = useState<string | null>(null);

  // The address is taken once per document: a private preview's carries a ticket that works a single time, and a new
  // one must not navigate a page that is already open.
  const url = session.previewUrl;
  if (url !== null && sessionId !== null && (open?.id !== sessionId || open.reloadKey !== reloadKey)) {
    setOpen({ id: sessionId, src: url, reloadKey });
  }
  const shown = open !== null && open.id === sessionId && !ended ? open : null;
  const running = session.status === "running";
  const key = shown === null ? null : `${shown.id} ${shown.reloadKey}`;
  const loading = running && loadedKey !== key;

  return (
    <div className={props.className} style={{ position: "relative", overflow: "hidden" }}>
      {shown !== null && (
        <iframe
          key={key}
          title={props.title ?? "Preview"}
          src={shown.src}
          sandbox={SANDBOX}
          allow={props.allow ?? ALLOW}
          referrerPolicy="no-referrer"
          inert={!running}
          aria-busy={loading}
          onLoad={() => setLoadedKey(key)}
          style={FILL}
        />
      )}
      {(!running || shown === null) &&
        (props.overlay ?? defaultOverlay)(session, shown === null ? "nothing" : "page")}
      {loading && shown !== null && <LoadingBar />}
    </div>
  );
}

function LoadingBar() {
  return (
    <div
      data-velocity-loading=""
      aria-hidden="true"
      style={{
        position: "absolute",
        insetInline: 0,
        top: 0,
        height: 2,
        background: "currentColor",
        opacity: 0.5,
      }}
    />
  );
}

const COVER: CSSProperties = {
  position: "absolute",
  inset: 0,
  display: "grid",
  placeContent: "center",
  justifyItems: "center",
  gap: 12,
  padding: 24,
  textAlign: "center",
  background: "color-mix(in srgb, Canvas 82%, transparent)",
  color: "CanvasText",
};

const WORDS: Record<PreviewSessionHandle["status"], string> = {
  loading: "Looking for a session…",
  idle: "Nothing is running yet.",
  starting: "Starting…",
  running: "Opening…",
  stopping: "Stopping…",
  stopped: "Stopped. Everything is kept.",
  ended: "This session has ended.",
  failed: "This did not work.",
};

function defaultOverlay(session: PreviewSessionHandle) {
  const again = session.status === "failed" ? "Try again" : null;
  return (
    <div style={COVER}>
      <p role="status">{session.error?.message ?? WORDS[session.status]}</p>
      {again !== null && (
        <button type="button" onClick={() => void session.start()}>
          {again}
        </button>
      )}
    </div>
  );
}
