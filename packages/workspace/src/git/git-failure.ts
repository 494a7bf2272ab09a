import { type FieldError, type GitSource, VelocityError } from "@velocity/contract";

/** What is known of a fetch that did not work. */
export interface FailedFetch {
  readonly code: number | null;
  /** The last lines of git. */
  readonly log: readonly string[];
  /** Why the proxy refused connections, newest last. */
  readonly refused: readonly string[];
}

/** The shell's and the agent's answer for a program that is not there. */
const NOT_STARTED = 127;

const REASONS: readonly (readonly [RegExp, string])[] = [
  [
    /could not read Username|terminal prompts disabled|Authentication failed|returned error: (401|403)/i,
    "The repository needs a sign-in, or does not exist. Only public repositories can be fetched.",
  ],
  [
    /repository .* not found|not found: did you run|returned error: 404|does not appear to be a git|is this a git repository/i,
    "There is no repository at this address.",
  ],
  [
    /File too large|File size limit exceeded|signal 25/i,
    "The repository is too large, even without its history.",
  ],
  [
    /does not support shallow/i,
    "The server offers the repository in an old way only (dumb HTTP), which is not supported.",
  ],
  [/certificate|SSL|TLS/, "The server's certificate cannot be verified."],
  [/returned error: 5\d\d/, "The Git server failed. Try again in a while."],
];

/** In plain words why a repository could not be fetched. Pure. */
export function fetchFailure(source: GitSource, failed: FailedFetch): VelocityError {
  const text = failed.log.join("\n");
  const refused = failed.refused.at(-1);
  if (failed.code === NOT_STARTED) return gitFailed("Git is not installed on the server.", failed.log);
  if (refused?.includes("private and local"))
    return gitFailed(
      "The address is private or local; repositories come from public addresses only.",
      failed.log,
      ["url"],
    );
  if (refused !== undefined)
    return gitFailed(`The server cannot be reached: ${refused}.`, failed.log, ["url"]);
  if (/couldn't find remote ref|not our ref|unadvertised object|remote ref .* not found/i.test(text)) {
    const message =
      source.ref === undefined
        ? "The repository is empty."
        : `There is no branch, tag or commit ${source.ref} in the repository. Commits are given by their full id.`;
    return gitFailed(message, failed.log, [source.ref === undefined ? "url" : "ref"]);
  }
  const known = REASONS.find(([pattern]) => pattern.test(text));
  return gitFailed(known?.[1] ?? "Git could not fetch the repository.", failed.log, ["url"]);
}

/** `fields` are those of the request's `git` that are to be corrected. */
export function gitFailed(
  message: string,
  log: readonly string[],
  fields: readonly (keyof GitSource)[] = [],
): VelocityError {
  const errors = fields.map((field): FieldError => ({ path: `git.${field}`, code: "git_failed", message }));
  return new VelocityError("git_failed", message, { context: { log }, errors });
}
