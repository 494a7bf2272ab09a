import type { SessionEvent } from "@velocity/contract";
import type { Velocity } from "@velocity/sdk";
import { useEffect, useEffectEvent, useSyncExternalStore } from "react";
import type { PreviewSession, PreviewSessionOptions, PreviewSnapshot } from "./preview-session.ts";
import { useVelocityScope } from "./velocity-provider.tsx";

export interface UsePreviewSessionOptions {
  readonly projectId: string;
  /** Not needed inside `<VelocityProvider>`. Keep it stable. */
  readonly client?: Velocity | undefined;
  /** Start as soon as it is known that nothing runs. Default false. */
  readonly autoStart?: boolean | undefined;
  /** Sent with each start: template, mode, env, visibility… */
  readonly start?: PreviewSessionOptions["start"];
  /** Called for each event, replayed ones included. */
  readonly onEvent?: ((event: SessionEvent) => void) | undefined;
}

/** What is known of the session, and what can be done with it. The functions never reject; see `error`. */
export type PreviewSessionHandle = PreviewSnapshot &
  Pick<
    PreviewSession,
    "start" | "startFresh" | "stop" | "resume" | "restart" | "terminate" | "refresh" | "onEvent" | "log"
  >;

/**
 * Follows the session of a project: finds it, keeps it current by one event stream, survives server restarts, and
 * steers it. Components with the same project share it. Nothing is started unless asked.
 */
export function usePreviewSession(options: UsePreviewSessionOptions): PreviewSessionHandle {
  const session = useVelocityScope(options.client).session(options.projectId, options.start);
  const snapshot = useSyncExternalStore(session.subscribe, session.getSnapshot, session.getSnapshot);
  const autoStart = options.autoStart === true;

  useEffect(() => {
    if (autoStart) session.startOnce();
  }, [autoStart, session]);

  const tell = useEffectEvent((event: SessionEvent) => options.onEvent?.(event));
  useEffect(() => session.onEvent((event) => tell(event)), [session]);

  const { start, startFresh, stop, resume, restart, terminate, refresh, onEvent, log } = session;
  return { ...snapshot, start, startFresh, stop, resume, restart, terminate, refresh, onEvent, log };
}
