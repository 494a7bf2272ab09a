import type { FileContent, GitSource } from "@velocity/contract";

/** Git repositories of the public internet, and of the hosts that the operator trusts. */
export interface GitRepositories {
  /**
   * The files of one revision, without links, submodules, `node_modules` and what no project may hold. Bounded in time and
   * size. Throws `git_failed`, and `rate_limited` where too many are being fetched; rejects with the signal's reason.
   */
  fetch(source: GitSource, options?: { readonly signal?: AbortSignal }): Promise<FileContent[]>;
}
