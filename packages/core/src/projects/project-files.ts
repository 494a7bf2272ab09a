import { createHash } from "node:crypto";
import type { ContainerId, FileContent, Project, ProjectId } from "@velocity/contract";
import { VelocityError } from "@velocity/contract";
import type { CoreDeps } from "../deps.ts";
import type { FileTree, ProjectPlan } from "../ports/workspace.ts";

const MAX_PLANS = 500;

/** A project as it is to be run now. */
export interface PreparedProject {
  readonly project: Project;
  /** Empty for a linked directory. */
  readonly files: readonly FileContent[];
  readonly tree: FileTree;
  readonly plan: ProjectPlan;
  readonly linked: { readonly directory: string; readonly mountRoot: string } | null;
}

/** Reads projects and plans how they run; remembers which version of a project each container has. */
export class ProjectFiles {
  readonly #deps: CoreDeps;
  readonly #plans = new Map<ProjectId, { readonly of: string; readonly plan: ProjectPlan }>();
  readonly #synced = new Map<ContainerId, number>();
  readonly #queues = new Map<ProjectId, Promise<unknown>>();

  constructor(deps: CoreDeps) {
    this.#deps = deps;
  }

  /** Throws `validation` for files that cannot be planned, `directory_*` for a linked directory that is away. */
  async prepare(projectId: ProjectId, known?: Project): Promise<PreparedProject> {
    const { store, workspace, linkedFiles, directoryTree, memoryTree } = this.#deps;
    const project = known ?? (await store.projects.get(projectId));
    if (project === null) throw new VelocityError("not_found", "There is no such project.");
    if (project.directory !== null) {
      const directory = await linkedFiles.check(project.directory);
      const tree = directoryTree(directory);
      const [plan, mountRoot] = await Promise.all([
        workspace.plan(tree, { linkedDirectory: directory }),
        workspace.mountRoot(directory),
      ]);
      return { project, files: [], tree, plan, linked: { directory, mountRoot } };
    }
    const files = await store.projects.files(projectId);
    const tree = memoryTree(files);
    // A removed project's id may be given to another one.
    const of = `${project.version} ${project.createdAt}`;
    const planned = this.#plans.get(projectId);
    const plan = planned?.of === of ? planned.plan : await workspace.plan(tree, { linkedDirectory: null });
    if (this.#plans.size >= MAX_PLANS) this.#plans.clear();
    this.#plans.set(projectId, { of, plan });
    return { project, files, tree, plan, linked: null };
  }

  /** The project's version that a container's workspace has; null: not known. */
  synced(containerId: ContainerId): number | null {
    return this.#synced.get(containerId) ?? null;
  }

  markSynced(containerId: ContainerId, version: number): void {
    const known = this.#synced.get(containerId);
    if (known === undefined || known < version) this.#synced.set(containerId, version);
  }

  forget(containerId: ContainerId): void {
    this.#synced.delete(containerId);
  }

  /** One writer at a time per project in this process, so that store and containers see changes in one order. */
  inOrder<T>(projectId: ProjectId, work: () => Promise<T>): Promise<T> {
    const turn = (this.#queues.get(projectId) ?? Promise.resolve()).then(work, work);
    const settled = turn
      .catch(() => {})
      .finally(() => {
        if (this.#queues.get(projectId) === settled) this.#queues.delete(projectId);
      });
    this.#queues.set(projectId, settled);
    return turn;
  }
}

/** The same files give the same digest, whatever their order. */
export function filesDigest(files: readonly FileContent[]): string {
  const hash = createHash("sha256");
  for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${file.path}\0${file.encoding}\0${file.content}\0`);
  }
  return hash.digest("hex");
}

/** What has to be written and deleted to get from one set of files to another. */
export function filesDifference(
  from: readonly FileContent[],
  to: readonly FileContent[],
): { files: FileContent[]; deletes: string[] } {
  const before = new Map(from.map((file) => [file.path, file]));
  const files = to.filter((file) => {
    const old = before.get(file.path);
    before.delete(file.path);
    return old === undefined || old.content !== file.content || old.encoding !== file.encoding;
  });
  return { files, deletes: [...before.keys()] };
}
