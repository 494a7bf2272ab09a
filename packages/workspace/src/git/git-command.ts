import type { GitSource } from "@velocity/contract";

/**
 * All that git is told by environment. Nothing of the machine's or the user's settings counts, nobody is asked for a login,
 * and no address but that of HTTP works, also not one that a server redirects to.
 */
export function gitEnvironment(options: {
  readonly home: string;
  readonly repository: string;
  readonly path: string;
}): Record<string, string> {
  return {
    PATH: options.path,
    HOME: options.home,
    // Messages are read: they have to be in one language.
    LC_ALL: "C",
    GIT_DIR: options.repository,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    GIT_ALLOW_PROTOCOL: "http:https",
    GIT_LFS_SKIP_SMUDGE: "1",
    GIT_OPTIONAL_LOCKS: "0",
  };
}

const SETTINGS = [
  ...["core.symlinks=false", "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.bigFileThreshold=8m"],
  ...["protocol.allow=never", "protocol.http.allow=always", "protocol.https.allow=always"],
  // One pack instead of loose objects: its size can be limited.
  ...["credential.helper=", "fetch.unpackLimit=1", "fetch.recurseSubmodules=false"],
  ...["gc.auto=0", "maintenance.auto=false", "pack.threads=1", "http.followRedirects=initial"],
];

/** Units of `ulimit -f` and `ulimit -v` in a POSIX shell. */
const BLOCK_BYTES = 512;
const KB = 1024;
/** What a packed object can be made to grow to is otherwise limited by the machine only. */
const MEMORY_BYTES = 2 * 1024 ** 3;

/**
 * Makes an empty repository and fetches one revision into it. Ours is a proxy that also decides about loopback addresses, so
 * that nothing goes past it.
 */
export function fetchCommand(source: GitSource, packBytes: number): readonly string[] {
  const before = [
    "unset NO_PROXY no_proxy",
    `ulimit -f ${Math.ceil(packBytes / BLOCK_BYTES)}`,
    // Git is to say that a file grew too large, instead of being killed by the signal.
    "trap '' XFSZ",
    "git init --quiet --bare --template= || exit $?",
  ];
  const fetch = ["fetch", "--quiet", "--depth", "1", "--no-tags", "--no-recurse-submodules"];
  const what = ["--no-auto-maintenance", "--", new URL(source.url).href, source.ref ?? "HEAD"];
  return limited(before, [...fetch, ...what]);
}

/** Lists the fetched revision, or one folder of it: NUL-terminated, with sizes. */
export function listCommand(directory: string | undefined): readonly string[] {
  return limited([], ["ls-tree", "-r", "-z", "-l", `FETCH_HEAD:${directory ?? ""}`]);
}

/** Writes out the objects whose ids it is given, one per line: raw, without any filter. */
export function readCommand(): readonly string[] {
  return limited([], ["cat-file", "--batch"]);
}

/** Not every system knows the limit of memory: there it goes without. */
function limited(before: readonly string[], command: readonly string[]): readonly string[] {
  const memory = `ulimit -v ${MEMORY_BYTES / KB} 2>/dev/null || true`;
  const script = ["ulimit -c 0", memory, ...before, 'exec git "$@"'].join("\n");
  return ["/bin/sh", "-c", script, "sh", ...SETTINGS.flatMap((one) => ["-c", one]), ...command];
}
