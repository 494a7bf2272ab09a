import type { NetworkPolicy, RunSpec } from "@velocity/contract";
import type { DependencyMount } from "./driver.ts";

/** The files a plan is made from: a stored project, a template, or a linked directory. Paths are relative. */
export interface FileTree {
  /** Paths of all files, without `node_modules` and `.git`; at most `limit`. */
  list(limit: number): Promise<readonly string[]>;
  /** Null where there is no such file. */
  read(path: string): Promise<string | null>;
}

/** How a project is installed and run. Made by looking at its files; nothing is executed. */
export interface ProjectPlan {
  readonly framework: string;
  readonly packageManager: "pnpm" | "npm" | "yarn" | "bun" | null;
  readonly run: RunSpec;
  readonly network: NetworkPolicy;
  /** Null: nothing to install, or installed in place by the agent (`run.install`). */
  readonly dependencies: { readonly key: string } | null;
  /** Same plan, same hash: pool members with it are interchangeable but for their files. */
  readonly hash: string;
}

export interface WorkspacePort {
  /** Throws `validation` for a bad `velocity.json` or package.json. */
  plan(tree: FileTree, options: { readonly linkedDirectory: string | null }): Promise<ProjectPlan>;
  /**
   * The dependency layers of a plan, from the cache or installed now. Single-flight per key, also across processes.
   * `onLog` gets the installer's lines. Throws `install_failed` with the last lines in `context.log`.
   */
  dependencies(
    plan: ProjectPlan,
    tree: FileTree,
    options: {
      readonly projectId: string;
      readonly signal: AbortSignal;
      readonly onLog: (line: string) => void;
    },
  ): Promise<{ readonly mounts: readonly DependencyMount[]; readonly cached: boolean }>;
  /** Root folder to mount so that a linked directory inside a monorepo finds its workspace. */
  mountRoot(directory: string): Promise<string>;
}

/** Templates on disk. */
export interface TemplateSource {
  list(): Promise<readonly { id: string; title: string; description: string; framework: string }[]>;
  /** All files of a template, ready to be stored; throws `validation` for an unknown one. */
  files(id: string): Promise<readonly { path: string; content: string; encoding: "utf8" | "base64" }[]>;
}
