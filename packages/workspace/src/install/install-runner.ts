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
  /**
   * `installer`: a package manager that runs nothing of the project; it gets the operator's registry login.
   * `scripts`: install scripts of packages, as another user, without any login.
   */
  readonly trust: "installer" | "scripts";
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** Runs an installer where it can do no harm. Package registries may be reached; nothing else ever. */
export interface InstallRunner {
  /** Where the program sees a path of this machine. */
  place(source: string): string;
  /** Lets the installer's user, or that of install scripts, write a folder and what is in it. */
  hand(folder: string, trust: InstallJob["trust"]): Promise<void>;
  /** The exit code; null where a signal ended it. Rejects with the signal's reason after everything has ended. */
  run(job: InstallJob): Promise<number | null>;
  /** The operator's package registry, with a slash at the end; null: the public one. */
  registry(): Promise<string | null>;
  close(): Promise<void>;
}
