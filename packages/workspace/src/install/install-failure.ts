import { VelocityError } from "@velocity/contract";

interface Rule {
  readonly pattern: RegExp;
  readonly say: (found: RegExpExecArray) => string;
}

const named = (name: string | undefined) => (name === undefined || name === "" ? "A package" : decoded(name));

/** What installers print, and what it means to the owner of the project. The first match counts. */
const RULES: readonly Rule[] = [
  {
    pattern:
      /(?:is not in (?:this|the npm) registry|ERR_PNPM_FETCH_404|E404|error Couldn't find package|HTTP 404|failed to resolve.*404)/,
    say: () => "is not in the package registry. Check its name in package.json.",
  },
  {
    pattern:
      /ERR_PNPM_NO_MATCHING_VERSION|ETARGET|No matching version|Couldn't find any versions|No version matching|No candidates found/,
    say: () => "has no version that fits the range in package.json.",
  },
  {
    pattern: /ERR_PNPM_TARBALL_INTEGRITY|EINTEGRITY|Integrity check failed|IntegrityCheckFailed/,
    say: () => "does not match its checksum in the lockfile. Update the lockfile.",
  },
];
const NAME = "((?:@[\\w.~-]+\\/)?[\\w~-][\\w.~-]*)";
/** Where each manager names the package, the most certain first. */
const PACKAGE_PATTERNS: readonly RegExp[] = [
  new RegExp(`Failed to resolve ${NAME}@`),
  new RegExp(`["'\`]${NAME}@[^"'\`]*["'\`]? is not in`),
  new RegExp(`No matching version (?:found )?for ${NAME}@`),
  new RegExp(`Couldn't find (?:package|any versions for) "?${NAME}`),
  /GET https?:\/\/[^/\s]+\/(?:[^\s]*\/)?((?:@|%40)[\w.~-]+(?:\/|%2[fF])[\w.~-]+|[\w~-][\w.~-]*)(?:[:\s]|$)/m,
  new RegExp(`(?:for|package|version) "${NAME}`),
  new RegExp(`${NAME}@(?:npm:)?[\\w^~<>=.*|+ -]+(?: failed|: No candidates)`),
];

const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ENETUNREACH|EHOSTUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT|ERR_PNPM_META_FETCH_FAIL|network (?:request|error)|error sending request|ConnectionRefused|tunneling socket|dns error|unsuccessful tunnel|proxy (?:connect|error)/i;

/** Turns the end of a failed installation into an error that says what to do. `lines` are the last of the output. */
export function installFailure(lines: readonly string[], exitCode: number | null): VelocityError {
  const context = { log: lines.slice(-50), exitCode };
  const text = lines.join("\n");
  if (/^(?:bwrap|unshare|setpriv|mount): /m.test(text) && lines.length < 5)
    return new VelocityError(
      "driver_failed",
      "The sandbox for installing dependencies could not be set up.",
      {
        context,
      },
    );
  if (/ENOSPC|No space left on device|ERR_PNPM_ENOSPC/i.test(text))
    return new VelocityError("disk_full", "The disk is full: dependencies could not be installed.", {
      context,
    });
  for (const rule of RULES) {
    const found = rule.pattern.exec(text);
    if (found === null) continue;
    const name = PACKAGE_PATTERNS.map((pattern) => pattern.exec(text)?.[1]).find(
      (each) => each !== undefined,
    );
    return failed(`${named(name)} ${rule.say(found)}`, context);
  }
  if (/ERR_PNPM_BROKEN_LOCKFILE|EJSONPARSE|Invalid lockfile|broken lockfile|Unknown token/i.test(text))
    return failed("The lockfile cannot be read. Create it anew with your package manager.", context);
  if (/ERESOLVE/.test(text))
    return failed(
      "Peer dependencies contradict each other; the log names them. Correct package.json.",
      context,
    );
  if (
    /ERR_PNPM_SPEC_NOT_SUPPORTED|ERR_PNPM_WORKSPACE_PKG_NOT_FOUND|EUNSUPPORTEDPROTOCOL|ERR_PNPM_LINKED_PKG_DIR_NOT_FOUND/.test(
      text,
    )
  )
    return failed(
      "A dependency in package.json points to something that is not in the project; the log names it.",
      context,
    );
  if (/E40[13]\b|ERR_PNPM_FETCH_40[13]/.test(text))
    return failed("The package registry refused a package: it is private, or not allowed here.", context);
  if (
    /self-signed certificate|UNABLE_TO_(?:VERIFY|GET_ISSUER)|SELF_SIGNED|CERT_HAS_EXPIRED|invalid peer certificate/i.test(
      text,
    )
  )
    return failed(
      "The package registry's certificate is not trusted by this server. Set npm's cafile to the certificate of its authority.",
      context,
    );
  if (UNREACHABLE.test(text))
    return failed(
      "The package registry cannot be reached. Check the network (or the npm registry setting) of the server and try again.",
      context,
    );
  return failed("The package manager could not install the dependencies; the log says why.", context);
}

function failed(message: string, context: Readonly<Record<string, unknown>>): VelocityError {
  return new VelocityError("install_failed", message, { context });
}

function decoded(name: string): string {
  return name.replace(/%40/i, "@").replace(/%2f/i, "/");
}
