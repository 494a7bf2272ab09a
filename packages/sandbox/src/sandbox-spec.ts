/** Who a process is on the host. */
export interface HostOwner {
  readonly uid: number;
  readonly gid: number;
}

/** One thing that a sandbox sees of the host. Applied in order; targets are absolute paths inside. */
export type SandboxMount =
  | {
      readonly kind: "bind";
      readonly source: string;
      readonly target: string;
      readonly writable: boolean;
      /** A missing source is left out instead of refused. */
      readonly optional?: boolean;
    }
  | { readonly kind: "tmpfs"; readonly target: string; readonly sizeBytes: number }
  /** `lower` read-only, changes go to `upper`; `work` is an empty folder beside `upper`. */
  | {
      readonly kind: "overlay";
      readonly lower: string;
      readonly upper: string;
      readonly work: string;
      readonly target: string;
    };

/** What a sandbox is made of. Nothing of the host is inside but what is named here and the system's programs. */
export interface SandboxSpec {
  /** Found in the command line of the sandbox's own processes, so that leftovers can be recognised. */
  readonly id: string;
  /** Host identity of everything inside; only root may choose one. Null: the caller's own. */
  readonly owner: HostOwner | null;
  readonly command: readonly string[];
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly SandboxMount[];
  /** Folder that serves as `/etc`, shared by all sandboxes, read-only; see `writeMinimalEtc`. */
  readonly etcDir: string;
  /** Folder of this sandbox alone for the mount points of its private mounts, which nobody but it sees; removed by the caller. */
  readonly stageDir: string;
  /** Files that `0` is written to in order to enter the sandbox's control groups, before anything else (`cgroupFiles`). */
  readonly cgroupFiles: readonly string[];
  /** Limits of `/tmp` and `/dev/shm`. */
  readonly tmpBytes: number;
  /** Compiled filter for `--seccomp`; null: none. */
  readonly seccompFile: string | null;
}

/** Inside, everyone has the same plain identity, whoever it is on the host. */
export const INSIDE_UID = 1000;
export const INSIDE_GID = 1000;
export const INSIDE_HOME = "/home/velocity";
