import { INSIDE_GID, INSIDE_UID, type SandboxSpec } from "./sandbox-spec.ts";

/** Descriptors that a launch hands to bubblewrap, by number. */
export interface BwrapDescriptors {
  /** Gets the pid of the namespace's init, once. */
  readonly info: number | null;
  /** Gets the same, and the exit code at the end. */
  readonly status: number | null;
  readonly seccomp: number | null;
}

export interface BwrapOptions {
  /** `--disable-userns` is known (0.8 and later). */
  readonly disableUserns: boolean;
  /** `--size` is known (0.8 and later). */
  readonly sizedTmpfs: boolean;
  /** Ends with its parent: for a command that someone waits for. */
  readonly dieWithParent: boolean;
  /** Folders of the host that are linked in the host's root (`/bin` → `usr/bin`), with their link text; null: a real folder. */
  readonly systemFolders: ReadonlyMap<string, string | null>;
  /** Files of `/proc` that root may read without any capability; covered where the host's root is the owner. */
  readonly maskedFiles: readonly string[];
}

/**
 * The command line of bubblewrap for a sandbox. `source` says where a path of the host is to be taken from: the stage, for
 * what the sandbox's own user could not reach.
 */
export function bwrapArguments(
  spec: SandboxSpec,
  options: BwrapOptions,
  descriptors: BwrapDescriptors,
  source: (hostPath: string) => string,
): readonly string[] {
  const tmpfs = (target: string, bytes: number): string[] =>
    options.sizedTmpfs ? ["--size", String(bytes), "--tmpfs", target] : ["--tmpfs", target];
  const args: string[] = [
    "--unshare-all",
    "--unshare-user",
    ...(options.disableUserns ? ["--disable-userns"] : []),
    "--new-session",
    ...(options.dieWithParent ? ["--die-with-parent"] : []),
    ...["--cap-drop", "ALL", "--uid", String(INSIDE_UID), "--gid", String(INSIDE_GID)],
    ...["--hostname", "velocity", "--clearenv", "--setenv", "VELOCITY_SANDBOX", spec.id],
  ];
  for (const [name, value] of Object.entries(spec.env)) args.push("--setenv", name, value);
  args.push("--ro-bind", "/usr", "/usr");
  for (const [folder, link] of options.systemFolders) {
    args.push(...(link === null ? ["--ro-bind", folder, folder] : ["--symlink", link, folder]));
  }
  args.push("--ro-bind", source(spec.etcDir), "/etc");
  args.push("--proc", "/proc", "--dev", "/dev", "--perms", "1777");
  args.push(...tmpfs("/dev/shm", spec.tmpBytes), "--perms", "1777", ...tmpfs("/tmp", spec.tmpBytes));
  for (const mount of spec.mounts) {
    if (mount.kind === "tmpfs") args.push(...tmpfs(mount.target, mount.sizeBytes));
    else if (mount.kind === "overlay") args.push("--bind", source(mount.upper), mount.target);
    else {
      const verb = `--${mount.writable ? "" : "ro-"}bind${mount.optional === true ? "-try" : ""}`;
      args.push(verb, source(mount.source), mount.target);
    }
  }
  if (spec.owner?.uid === 0)
    for (const path of options.maskedFiles) args.push("--ro-bind", "/dev/null", path);
  // Bubblewrap covers `/proc/sys` only where the folder itself is writable, which it is not even for root; its files are.
  args.push("--remount-ro", "/proc", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", spec.cwd);
  if (descriptors.info !== null) args.push("--info-fd", String(descriptors.info));
  if (descriptors.status !== null) args.push("--json-status-fd", String(descriptors.status));
  if (descriptors.seccomp !== null) args.push("--seccomp", String(descriptors.seccomp));
  return [...args, "--", ...spec.command];
}
