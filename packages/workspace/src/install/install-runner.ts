/** A folder or file of this machine that the installer may see. */
export interface InstallMount {
  readonly source: string;
  readonly writable: boolean;
}

export interface InstallJob {
  /** Paths in it are as `place` says. */
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly InstallMount[];
  /** Package registries may be reached; nothing else ever. */
  readonly network: boolean;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Runs an installer where it can do no harm. */
export interface InstallRunner {
  /** Where the program sees a mounted path of this machine. */
  place(source: string): string;
  /** The exit code; null where a signal ended it. Rejects with the signal's reason after everything has ended. */
  run(job: InstallJob): Promise<number | null>;
}
