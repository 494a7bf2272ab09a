import type { InstallId } from "@velocity/contract";
import type { Log } from "@velocity/core";
import type { CgroupLayout, EgressSettings, SandboxSupport } from "@velocity/sandbox";

export interface ProcessDriverOptions {
  /** Containers live in `<dataDir>/containers/<id>`. One driver (one server) at a time per folder. */
  readonly dataDir: string;
  /** Short folder for sockets: paths of Unix sockets end at 104 bytes on some systems. Made where missing. */
  readonly runtimeDir: string;
  /** Node binary that containers run on; at `/opt/velocity/bin/node` inside. */
  readonly nodePath: string;
  /** Folder with `agent.mjs` and `preload.cjs`; at `/opt/velocity/agent` inside. */
  readonly agentBundle: string;
  /** Folder with a server for projects that bring none; at `/opt/velocity/static` inside. Null: none. */
  readonly staticServerDir: string | null;
  /** Further files and folders of this machine that every container sees, read-only: package managers. */
  readonly programs?: readonly { readonly source: string; readonly target: string }[];
  readonly installId: InstallId;
  readonly log: Log;
  /** Refuse to work without namespaces, with `sandbox_missing`. */
  readonly requireIsolation: boolean;
  /** Where containers may connect to; asked at the first connection, and remembered. Default: what the operator's npm says. */
  readonly egress?: () => Promise<EgressSettings>;
  /** What the machine can do, where it is known already (`detectSandbox`). */
  readonly support?: SandboxSupport;
  /** Overrides what was detected: for tests of the other ways to freeze and limit. */
  readonly cgroups?: CgroupLayout;
  /** Most processes and threads in one container. */
  readonly maxProcesses?: number;
  /** How often limits are looked at that the kernel does not hold (disk; memory without control groups). */
  readonly watchIntervalMs?: number;
  /** First host uid for containers (root only); one each is used from here on. Default: a range of the install's own. */
  readonly firstUid?: number;
}
