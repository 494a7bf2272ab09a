import type { StartSource } from "@velocity/contract";
import type { ContainerHandle } from "../ports/driver.ts";
import type { ProjectFailure } from "./dependencies.ts";

/** A container that runs and answers at its session's address. */
export interface BroughtUp {
  readonly source: StartSource;
  /** The project does not run; its container does, and says why. */
  readonly failure: ProjectFailure | null;
  readonly handle: ContainerHandle;
  readonly version: number;
}
