import { type FileContent, type GitSource, VelocityError } from "@velocity/contract";
import {
  createEgressProxy,
  type EgressSettings,
  egressSettings,
  type HostPort,
  operatorNpmConfig,
  parseHostPort,
} from "@velocity/sandbox";
import { batchBytes, filesFromBatch } from "./git-blobs.ts";
import { fetchCommand, listCommand, readCommand } from "./git-command.ts";
import { fetchFailure, gitFailed } from "./git-failure.ts";
import { GIT_LIMITS, type GitLimits } from "./git-limits.ts";
import { createGitSandbox, type GitSandboxOptions, type GitWorkplace } from "./git-sandbox.ts";
import { chooseFiles, type SkippedEntries, type TreeFile, tooManyFiles } from "./git-tree.ts";

export interface GitSourceOptions extends GitSandboxOptions {
  /**
   * Servers that the operator trusts although their addresses are private: `host:port`, or `host` for its usual ports.
   * They are reached directly, not through the proxy that this machine itself may need.
   */
  readonly allowPrivateHosts?: readonly string[];
  /** Told of each connection that git was refused. */
  readonly onRefused?: (target: string, reason: string) => void;
  /** Told of what a repository has besides plain files. */
  readonly onSkipped?: (facts: SkippedEntries & { readonly host: string }) => void;
  readonly limits?: Partial<GitLimits>;
}

/** Takes the files of one revision from Git repositories; core's `GitRepositories`. */
export interface GitFetcher {
  fetch(source: GitSource, options?: { readonly signal?: AbortSignal }): Promise<FileContent[]>;
  /** Ends what is being fetched, and waits for it. */
  close(): Promise<void>;
}

const NPM_TIMEOUT_MS = 15_000;
const ERROR_BYTES = 64 * 1024;
const USUAL_PORTS = [80, 443];

/**
 * Fetches with the system's git, in a sandbox where there is one. Its only way out is a proxy of its own that connects to
 * public addresses and to the hosts that the operator trusts. Files are read from the objects: nothing is ever checked out,
 * so that no link is followed and no filter, hook or attribute of the repository counts.
 */
export function createGitSource(options: GitSourceOptions): GitFetcher {
  const limits = { ...GIT_LIMITS, ...options.limits };
  const sandbox = createGitSandbox(options);
  const trusted = (options.allowPrivateHosts ?? []).flatMap(hostPorts);
  const closing = new AbortController();
  const running = new Set<Promise<unknown>>();
  let asked: Promise<EgressSettings> | null = null;
  const settings = () => {
    asked ??= egressOf(trusted, options.workDir);
    return asked;
  };

  async function fetchFiles(source: GitSource, signal: AbortSignal): Promise<FileContent[]> {
    const place = await sandbox.open();
    try {
      await fetchRevision(place, source, signal);
      return await readFiles(place, source, signal);
    } finally {
      await place.remove();
    }
  }

  async function fetchRevision(place: GitWorkplace, source: GitSource, signal: AbortSignal): Promise<void> {
    const refused: string[] = [];
    const proxy = await createEgressProxy({
      socketPath: place.socketPath,
      gid: place.socketGid,
      policy: "full",
      settings,
      onRefused: (target, reason) => {
        refused.push(reason);
        options.onRefused?.(target, reason);
      },
    });
    try {
      const command = fetchCommand(source, limits.packBytes);
      const end = await place.run({ command, maxOutputBytes: ERROR_BYTES, egress: true, signal });
      if (end.kind === "overflow") throw gitFailed("Git could not fetch the repository.", []);
      if (end.code !== 0) throw fetchFailure(source, { code: end.code, log: end.log, refused });
    } finally {
      await proxy.close();
    }
  }

  async function readFiles(
    place: GitWorkplace,
    source: GitSource,
    signal: AbortSignal,
  ): Promise<FileContent[]> {
    const command = listCommand(source.directory);
    const listed = await place.run({ command, maxOutputBytes: limits.listBytes, egress: false, signal });
    if (listed.kind === "ended" && listed.code !== 0) {
      const message =
        source.directory === undefined
          ? "The revision has no files."
          : `There is no folder ${source.directory} in the repository.`;
      throw gitFailed(message, listed.log, [source.directory === undefined ? "ref" : "directory"]);
    }
    const choice = listed.kind === "overflow" ? tooManyFiles(limits) : chooseFiles(listed.output, limits);
    if (choice.kind === "too_large")
      throw gitFailed(`The repository is too large for a project. ${choice.message}`, [], ["url"]);
    const { files, skipped } = choice;
    if (Object.values(skipped).some((count) => count > 0))
      options.onSkipped?.({ host: new URL(source.url).host, ...skipped });
    if (files.length === 0) throw gitFailed("There are no files in the repository there.", [], ["url"]);
    return readContents(place, files, signal);
  }

  return {
    async fetch(source, { signal } = {}) {
      if (running.size >= limits.atOnce)
        throw new VelocityError(
          "rate_limited",
          "Other repositories are being fetched; try again in a moment.",
          {
            retryAfterMs: 5000,
          },
        );
      const late = AbortSignal.timeout(limits.timeMs);
      const any = AbortSignal.any([late, closing.signal, ...(signal === undefined ? [] : [signal])]);
      const work = fetchFiles(source, any);
      running.add(work);
      try {
        return await work;
      } catch (error) {
        if (late.aborted && error === late.reason)
          throw gitFailed(`Fetching took longer than ${limits.timeMs / 1000} seconds.`, [], ["url"]);
        throw error;
      } finally {
        running.delete(work);
      }
    },
    async close() {
      closing.abort(new VelocityError("shutting_down", "The server is shutting down."));
      await Promise.allSettled(running);
    },
  };
}

async function readContents(
  place: GitWorkplace,
  files: readonly TreeFile[],
  signal: AbortSignal,
): Promise<FileContent[]> {
  const end = await place.run({
    command: readCommand(),
    input: files.map(({ object }) => `${object}\n`).join(""),
    maxOutputBytes: batchBytes(files),
    egress: false,
    signal,
  });
  const contents = end.kind === "ended" && end.code === 0 ? filesFromBatch(end.output, files) : null;
  if (contents === null)
    throw gitFailed(
      "The repository is damaged: its files cannot be read.",
      end.kind === "ended" ? end.log : [],
    );
  return contents;
}

function hostPorts(text: string): readonly HostPort[] {
  const one = parseHostPort(text, null);
  if (one !== null) return [one];
  return USUAL_PORTS.flatMap((port) => parseHostPort(text, port) ?? []);
}

/** The proxy that this machine needs itself is the one that npm is configured to, as for everything else inside. */
async function egressOf(trusted: readonly HostPort[], cwd: string): Promise<EgressSettings> {
  const signal = AbortSignal.timeout(NPM_TIMEOUT_MS);
  const config = await operatorNpmConfig({ npm: "npm", cwd, signal }).catch(() => null);
  const upstream = config === null ? null : egressSettings(config).upstream;
  const direct = trusted.map(({ host, port }) => `${host}:${port}`);
  return {
    allowedHosts: trusted,
    upstream: upstream === null ? null : { ...upstream, except: [...upstream.except, ...direct] },
  };
}
