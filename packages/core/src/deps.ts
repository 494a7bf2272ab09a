import { type NetworkPolicy, SESSION_DEFAULTS, type Tier, type Visibility } from "@velocity/contract";
import type { AgentPort } from "./ports/agent.ts";
import type { ArchiveReader } from "./ports/archive.ts";
import type { Clock } from "./ports/clock.ts";
import type { Driver } from "./ports/driver.ts";
import type { GitRepositories } from "./ports/git-repositories.ts";
import type { LinkedFiles } from "./ports/linked-files.ts";
import type { Log } from "./ports/log.ts";
import type { RouteProbe } from "./ports/routing.ts";
import type { Store } from "./ports/store.ts";
import type { FileTree, TemplateSource, WorkspacePort } from "./ports/workspace.ts";

/** How this orchestrator behaves. Durations in milliseconds. */
export interface CoreSettings {
  /** Warm containers kept per template seen; 0 turns the pool off. */
  readonly poolSize: number;
  /** Templates warmed at start, before anyone asks. */
  readonly prewarm: readonly string[];
  readonly tier: Tier;
  readonly visibility: Visibility;
  readonly defaultTemplate: string;
  /** The most egress a project may ask for. */
  readonly networkMax: NetworkPolicy;
  /** The demo project is made at start where it is missing. */
  readonly demoProject: boolean;
  /** No other orchestrator shares the database: operations of other owners were left by a dead one. */
  readonly soleOrchestrator: boolean;
  readonly enableSessionReuse: boolean;
  readonly enableContainerPooling: boolean;
  readonly suspendOnIdle: boolean;
  readonly preferredSessionMode: "auto" | "persistent" | "ephemeral";
  readonly maxIdleTimeMs: number;
  readonly hibernateAfterMs: number;
  readonly maxSessionAgeMs: number;
  readonly reconcileIntervalMs: number;
  /** A container without a row, younger than this, is left alone. */
  readonly orphanGraceMs: number;
  /** Bound of `shutdown`. */
  readonly shutdownMs: number;
}

export const CORE_SETTINGS: CoreSettings = {
  poolSize: 1,
  prewarm: [],
  tier: "local",
  visibility: "public",
  defaultTemplate: "react",
  networkMax: "full",
  demoProject: true,
  soleOrchestrator: true,
  enableSessionReuse: SESSION_DEFAULTS.enableSessionReuse,
  enableContainerPooling: SESSION_DEFAULTS.enableContainerPooling,
  suspendOnIdle: SESSION_DEFAULTS.suspendOnIdle,
  preferredSessionMode: SESSION_DEFAULTS.preferredSessionMode,
  maxIdleTimeMs: SESSION_DEFAULTS.maxIdleTimeMs,
  hibernateAfterMs: SESSION_DEFAULTS.hibernateAfterMs,
  maxSessionAgeMs: SESSION_DEFAULTS.maxSessionAgeMs,
  reconcileIntervalMs: 15_000,
  orphanGraceMs: 60_000,
  shutdownMs: 9_000,
};

/** All that core needs from outside. */
export interface CoreDeps {
  readonly store: Store;
  readonly driver: Driver;
  readonly agent: AgentPort;
  /** May be an object whose target is set after the gateway was built; first used by the first start. */
  readonly probe: RouteProbe;
  readonly workspace: WorkspacePort;
  readonly templates: TemplateSource;
  readonly archives: ArchiveReader;
  readonly linkedFiles: LinkedFiles;
  readonly git: GitRepositories;
  directoryTree(directory: string): FileTree;
  memoryTree(
    files: readonly {
      readonly path: string;
      readonly content: string;
      readonly encoding: "utf8" | "base64";
    }[],
  ): FileTree;
  readonly clock: Clock;
  readonly log: Log;
  /** Unique per process life. */
  readonly ownerId: string;
  readonly settings: CoreSettings;
  /** A fresh UUID; `crypto.randomUUID` where not given. */
  newId?(): string;
  /** Called at every named step of every operation; a test kills or abandons the process there. */
  failpoint?(name: string): Promise<void> | void;
}
