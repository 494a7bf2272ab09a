/** What a repository may cost. Sizes in bytes, times in milliseconds. */
export interface GitLimits {
  readonly files: number;
  readonly fileBytes: number;
  readonly totalBytes: number;
  /** Of the compressed revision as it comes over the network, all folders of it. */
  readonly packBytes: number;
  /** Of the list of what is in the revision. */
  readonly listBytes: number;
  readonly timeMs: number;
  /** Repositories fetched at the same time; one more is refused. */
  readonly atOnce: number;
}

export const GIT_LIMITS: GitLimits = {
  files: 5000,
  fileBytes: 32 * 1024 ** 2,
  totalBytes: 50 * 1024 ** 2,
  packBytes: 256 * 1024 ** 2,
  listBytes: 32 * 1024 ** 2,
  timeMs: 120_000,
  atOnce: 4,
};
