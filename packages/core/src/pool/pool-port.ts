import type { FileContent, PoolStatus } from "@velocity/contract";
import type { ContainerWatch } from "../events/container-watch.ts";
import type { ContainerHandle } from "../ports/driver.ts";
import type { PreparedProject } from "../projects/project-files.ts";
import type { ContainerRecord, SessionRecord } from "../session-record.ts";

export interface Member {
  readonly row: ContainerRecord;
  readonly handle: ContainerHandle;
  readonly watch: ContainerWatch;
  /** What its workspace holds: the template's files. */
  readonly files: readonly FileContent[];
}

/** Warm containers, as the rest of core uses them. */
export interface Pool {
  /** Takes a member that runs just like this project would; null: none, start cold. */
  claim(prepared: PreparedProject, session: SessionRecord, generation: number): Promise<Member | null>;
  /** A template was used, so it is worth keeping one warm. Returns at once. */
  notice(template: string | null): void;
  /** Fills up to the target, one member at a time; joins a refill that is under way. */
  refill(): Promise<void>;
  /** Whether a member is still worth keeping; a key of a template that has changed since is not. */
  keeps(row: ContainerRecord): Promise<boolean>;
  /** Listens to a member that an earlier server left. */
  adopt(row: ContainerRecord): void;
  /** What is warm now. */
  status(): Promise<PoolStatus>;
  /** No more refills; members are destroyed, or left for the next server. */
  close(how: "destroy" | "leave"): Promise<void>;
}
