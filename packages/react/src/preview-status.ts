import type { Session } from "@velocity/contract";

/**
 * What a page shows. `idle`: there is no session yet; `ended`: there was one and it is gone; `failed`: the last
 * attempt did not work and `error` says why.
 */
export type PreviewStatus =
  | "loading"
  | "idle"
  | "starting"
  | "running"
  | "stopping"
  | "stopped"
  | "ended"
  | "failed";

/** What this page asked for and has no answer to yet. */
export type PendingAction = "start" | "start-fresh" | "stop" | "resume" | "restart" | "terminate";

/** One word for everything that is known. */
export function previewStatus(known: {
  readonly loaded: boolean;
  readonly session: Session | null;
  readonly action: PendingAction | null;
  readonly failed: boolean;
}): PreviewStatus {
  const { session, action } = known;
  if (action === "start" || action === "start-fresh" || action === "resume") return "starting";
  if (action === "stop" || action === "terminate") return "stopping";
  if (known.failed && session?.state !== "active") return "failed";
  if (session === null) return known.loaded ? "idle" : "loading";
  if (session.state === "terminated") return session.error === null ? "ended" : "failed";
  switch (session.operation?.kind) {
    case "starting":
    case "resuming":
    case "restoring":
      return "starting";
    case "freezing":
    case "hibernating":
    case "terminating":
      return "stopping";
    default:
  }
  if (session.state === "pending") return "starting";
  if (session.state === "suspended") return session.error === null ? "stopped" : "failed";
  return "running";
}

/** The session to show of those a project has: live before ended, newest activity first. */
export function pickSession(sessions: readonly Session[]): Session | null {
  const newest = (one: Session, other: Session) => other.lastActivityAt.localeCompare(one.lastActivityAt);
  const live = sessions.filter((one) => one.state !== "terminated").toSorted(newest);
  return live.find((one) => one.mode === "persistent") ?? live[0] ?? null;
}
