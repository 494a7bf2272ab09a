import type { SessionId, StartSource } from "@velocity/contract";
import type { StartOutcome } from "../services.ts";

/** What a start came to. */
export interface Started {
  readonly id: SessionId;
  readonly created: boolean;
  readonly source: StartSource;
  readonly timings: StartOutcome["timings"];
}

/** A start that is under way. */
export interface Begun {
  readonly id: SessionId;
  readonly created: boolean;
  /** The operation, which goes on whoever waits for it. */
  readonly finished: Promise<Started>;
  /** What is known before it has finished. */
  sofar(): Pick<Started, "source" | "timings">;
}
