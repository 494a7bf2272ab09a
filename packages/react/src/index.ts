export {
  type PhaseTiming,
  phaseElapsedMs,
  timelineTotalMs,
} from "./phase-timeline.ts";
export type { PreviewError } from "./preview-error.ts";
export { toPreviewError } from "./preview-error.ts";
export { type BehindOverlay, PreviewFrame, type PreviewFrameProps } from "./preview-frame.tsx";
export { PreviewSession, type PreviewSessionOptions, type PreviewSnapshot } from "./preview-session.ts";
export { type PreviewStatus, pickSession } from "./preview-status.ts";
export { useNow } from "./use-now.ts";
export {
  type PreviewSessionHandle,
  type UsePreviewSessionOptions,
  usePreviewSession,
} from "./use-preview-session.ts";
export { useSessionLog } from "./use-session-log.ts";
export { useVelocity, VelocityProvider } from "./velocity-provider.tsx";
