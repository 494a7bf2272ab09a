import type { LogLine } from "@velocity/contract";
import { useSyncExternalStore } from "react";
import type { PreviewSessionHandle } from "./use-preview-session.ts";

/** The last lines of the session's log, live, over the event stream that the session holds anyway. */
export function useSessionLog(session: PreviewSessionHandle): readonly LogLine[] {
  const { subscribe, getLines } = session.log;
  return useSyncExternalStore(subscribe, getLines, getLines);
}
