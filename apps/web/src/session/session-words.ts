import type { Phase, Session, StartSource } from "@velocity/contract";
import type { PreviewStatus } from "@velocity/react";

export interface StateWord {
  readonly tone: "live" | "busy" | "rest" | "bad" | "none";
  readonly text: string;
}

/** A page's status in one word. `broken`: the session is there, its project does not run. */
export function statusWord(status: PreviewStatus, broken: boolean): StateWord {
  return status === "running" && broken ? BROKEN : STATUS_WORDS[status];
}

const BROKEN: StateWord = { tone: "bad", text: "Needs attention" };

const STATUS_WORDS: Record<PreviewStatus, StateWord> = {
  loading: { tone: "none", text: "Looking" },
  idle: { tone: "none", text: "Not started" },
  starting: { tone: "busy", text: "Starting" },
  running: { tone: "live", text: "Running" },
  stopping: { tone: "busy", text: "Stopping" },
  stopped: { tone: "rest", text: "Stopped" },
  ended: { tone: "none", text: "Ended" },
  failed: { tone: "bad", text: "Failed" },
};

/** A session's state in a list, where no page follows it. */
export function sessionWord(session: Session | null): StateWord {
  if (session === null) return STATUS_WORDS.idle;
  if (session.error !== null) return BROKEN;
  switch (session.state) {
    case "pending":
      return STATUS_WORDS.starting;
    case "active":
    case "disconnected":
      return STATUS_WORDS.running;
    case "suspended":
      return { tone: "rest", text: session.level === "hibernated" ? "Asleep" : "Stopped" };
    case "terminated":
      return STATUS_WORDS.ended;
  }
}

export interface PhaseWord {
  readonly name: string;
  readonly doing: string;
}

/** Steps of a start in the order they happen. */
export const START_PHASES: readonly Phase[] = [
  "queued",
  "project",
  "container",
  "files",
  "dependencies",
  "server",
  "probe",
  "publish",
];

export const PHASE_WORDS: Record<Phase, PhaseWord> = {
  queued: { name: "Queue", doing: "Waiting for its turn" },
  project: { name: "Project", doing: "Reading the project" },
  container: { name: "Container", doing: "Preparing a container" },
  files: { name: "Files", doing: "Placing the files" },
  dependencies: { name: "Dependencies", doing: "Installing dependencies" },
  server: { name: "Dev server", doing: "Starting the dev server" },
  probe: { name: "Probe", doing: "Checking that it answers" },
  publish: { name: "Publish", doing: "Opening the address" },
  suspend: { name: "Suspend", doing: "Putting it to sleep" },
  destroy: { name: "Clean up", doing: "Cleaning up" },
};

export const SOURCE_WORDS: Record<StartSource, string> = {
  pool: "a warm container from the pool",
  cold: "a new container",
  resumed: "where it was stopped",
  reused: "already running",
  joined: "a start already under way",
};
