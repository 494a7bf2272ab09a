import type { FileContent, NetworkPolicy, RunSpec } from "@velocity/contract";

/**
 * The shapes of core's `WorkspacePort`, `FileTree` and `TemplateSource`, which this package satisfies structurally:
 * it may not import core. The composition root is where the compiler compares the two.
 */

/** The files a plan is made from. Paths are relative, with forward slashes. */
export interface FileTree {
  /** Paths of all files, without `node_modules` and `.git`; at most `limit`. */
  list(limit: number): Promise<readonly string[]>;
  /** Null where there is no such file. */
  read(path: string): Promise<string | null>;
}

/** How a project is installed and run. */
export interface ProjectPlan {
  readonly framework: string;
  readonly packageManager: PackageManagerName | null;
  readonly run: RunSpec;
  readonly network: NetworkPolicy;
  /** Null: nothing to install, or installed in place by the agent (`run.install`). */
  readonly dependencies: { readonly key: string } | null;
  /** Same plan, same hash: pool members with it are interchangeable but for their files. */
  readonly hash: string;
}

export type PackageManagerName = "pnpm" | "npm" | "yarn" | "bun";

/** A dependency tree, ready to be mounted read-only below a writable layer. */
export interface DependencyMount {
  readonly key: string;
  /** Folder on this machine. */
  readonly path: string;
  /** Where it is mounted, relative to the workspace. */
  readonly target: string;
}

export interface DependencyOptions {
  readonly projectId: string;
  readonly signal: AbortSignal;
  readonly onLog: (line: string) => void;
}

export interface DependencyResult {
  readonly mounts: readonly DependencyMount[];
  readonly cached: boolean;
}

export interface Workspace {
  plan(tree: FileTree, options: { readonly linkedDirectory: string | null }): Promise<ProjectPlan>;
  dependencies(plan: ProjectPlan, tree: FileTree, options: DependencyOptions): Promise<DependencyResult>;
  mountRoot(directory: string): Promise<string>;
}

export interface TemplateFacts {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly framework: string;
}

export interface Templates {
  list(): Promise<readonly TemplateFacts[]>;
  /** Throws `validation` for an unknown one, naming those that exist. */
  files(id: string): Promise<readonly FileContent[]>;
}
