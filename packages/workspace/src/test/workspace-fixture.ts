import { chmod, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { FileContent } from "@velocity/contract";
import { detectSandbox, removeTree } from "@velocity/sandbox";
import { z } from "zod";
import { type ClosableWorkspace, createWorkspace, type WorkspaceOptions } from "../create-workspace.ts";
import { createInstallRunner } from "../install/create-install-runner.ts";
import type { DependencyResult, ProjectPlan } from "../ports.ts";
import { createMemoryTree } from "../tree/memory-tree.ts";

export interface WorkspaceFixture {
  readonly directory: string;
  readonly cacheDir: string;
  readonly workspace: ClosableWorkspace;
  /** Whether installers are sandboxed on this machine; the reason is printed where not. */
  readonly sandboxed: boolean;
  readonly refused: string[];
  install(
    files: Record<string, string>,
    options?: {
      readonly projectId?: string;
      readonly signal?: AbortSignal;
      readonly onLog?: (line: string) => void;
    },
  ): Promise<DependencyResult & { readonly log: readonly string[]; readonly plan: ProjectPlan }>;
  close(): Promise<void>;
}

/** The repository's own agent, by path: this package may not import it. */
const AGENT = pathToFileURL(join(import.meta.dirname, "../../../agent/src/bundle.ts")).href;
const bundleSchema = z.object({
  bundleAgent: z.custom<(options: { cacheDir: string }) => Promise<{ dir: string }>>(
    (value) => typeof value === "function",
  ),
});

/** A workspace in a temporary folder, with the runner that this machine gets. `cacheDir` is shared on request. */
export async function openWorkspace(
  given: { readonly cacheDir?: string; readonly options?: Partial<WorkspaceOptions> } = {},
): Promise<WorkspaceFixture> {
  const directory = await mkdtemp(join(tmpdir(), "vw-"));
  // As a server's runtime folder is: sandboxes' users pass through.
  await chmod(directory, 0o711);
  const cacheDir = given.cacheDir ?? join(directory, "cache");
  const loaded: unknown = await import(AGENT);
  const { bundleAgent } = bundleSchema.parse({ ...Object(loaded) });
  const { dir: agentDir } = await bundleAgent({ cacheDir: join(directory, "bundles") });
  const { namespaces, advice } = await detectSandbox();
  if (namespaces === null) process.stderr.write(`installers run without a sandbox: ${advice[0]}\n`);
  const refused: string[] = [];
  const runner = createInstallRunner({
    support: namespaces,
    cacheDir,
    runtimeDir: join(directory, "run"),
    nodePath: process.execPath,
    agentDir,
    env: process.env,
    onRefused: (target) => refused.push(target),
  });
  const workspace = createWorkspace({
    cacheDir,
    nodePath: process.execPath,
    previewDomain: "velocity.localhost",
    staticServerEntry: "/opt/static-server.mjs",
    runner,
    ...given.options,
  });
  return {
    directory,
    cacheDir,
    workspace,
    sandboxed: namespaces !== null,
    refused,
    async install(files, options = {}) {
      const tree = createMemoryTree(contents(files));
      const log: string[] = [];
      const plan = await workspace.plan(tree, { linkedDirectory: null });
      const result = await workspace.dependencies(plan, tree, {
        projectId: options.projectId ?? "project",
        signal: options.signal ?? new AbortController().signal,
        onLog: (line) => {
          log.push(line);
          options.onLog?.(line);
        },
      });
      return { ...result, log, plan };
    },
    async close() {
      await workspace.close();
      await removeTree(directory);
    },
  };
}

export function contents(files: Record<string, string>): FileContent[] {
  return Object.entries(files).map(([path, content]) => ({ path, content, encoding: "utf8" }));
}

/** Small, without dependencies of its own, and older than any policy on fresh releases. */
export const SMALL_PROJECT = {
  "package.json": JSON.stringify({ name: "small", dependencies: { "is-number": "7.0.0" } }),
};
