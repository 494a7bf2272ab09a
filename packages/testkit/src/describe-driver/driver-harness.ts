import type { ContainerId } from "@velocity/contract";
import type { ContainerSpec, Driver } from "@velocity/core";

/** One engine under test, with everything that differs between engines. */
export interface DriverHarness {
  readonly driver: Driver;
  /** The driver as a new process would make it, after the former was lost without a goodbye. It replaces `driver`. */
  reopen(): Promise<Driver>;
  /** A spec with an id of its own, this engine's install id and labels, and no network. */
  spec(overrides?: Partial<ContainerSpec>): ContainerSpec;
  /** Node inside a container. */
  readonly node: string;
  /** The workspace of a managed container, as seen inside. */
  workspace(handle: { readonly containerId: ContainerId }): string;
  /** A layer whose `target` is `node_modules` with the file `layer/index.js`; null: this engine mounts none. */
  readonly dependencyPath: string | null;
  /** An address of a service on the host that the policy `registry` allows, and one that it does not; `host:port`. */
  readonly egress: {
    readonly allowed: string;
    readonly refused: string;
    /** Socket inside the container through which CONNECT is asked. */
    readonly socket: string;
  } | null;
  /** Processes, mounts, folders, control groups and sockets of this engine that are there now and were not at first. */
  leftovers(): Promise<readonly string[]>;
  /** Ends what the harness itself made. */
  close(): Promise<void>;
}

export interface DescribeDriverOptions {
  /** Containers at a time in the test of many. */
  readonly parallel: number;
  /** Which parts are run; default: all. An engine without isolation leaves that part out. */
  readonly parts?: readonly DriverPart[];
}

export type DriverPart = "lifecycle" | "resources" | "isolation" | "faults";
