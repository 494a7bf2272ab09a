import { VelocityError } from "@velocity/contract";
import { parse, stringify } from "yaml";
import type { PackageJson } from "../detect/package-json.ts";

/** Settings of a project that only shape its dependency tree. Everything else stays outside. */
export interface InstallSettings {
  /** In pnpm's spelling. */
  readonly pnpm: Readonly<Record<string, unknown>>;
  /** In npm's spelling. */
  readonly npm: Readonly<Record<string, string>>;
  /** Names of settings that were left out. */
  readonly ignored: readonly string[];
}

/**
 * What a project may say. Not among them, on purpose: registries, proxies, certificates and tokens (the operator's),
 * `scriptShell`, `nodeOptions`, pnpmfiles and config dependencies (programs), store, cache and folder settings (places).
 */
const PNPM_ALLOWED = new Set([
  "packages",
  "catalog",
  "catalogs",
  "overrides",
  "packageExtensions",
  "peerDependencyRules",
  "patchedDependencies",
  "allowUnusedPatches",
  "ignorePatchFailures",
  "allowedDeprecatedVersions",
  "ignoredOptionalDependencies",
  "nodeLinker",
  "hoist",
  "hoistPattern",
  "publicHoistPattern",
  "shamefullyHoist",
  "autoInstallPeers",
  "strictPeerDependencies",
  "dedupePeerDependents",
  "dedupeDirectDeps",
  "linkWorkspacePackages",
  "preferWorkspacePackages",
  "injectWorkspacePackages",
  "sharedWorkspaceLockfile",
  "resolvePeersFromWorkspaceRoot",
  "resolutionMode",
  "excludeLinksFromLockfile",
]);
const NPM_ALLOWED = new Set([
  "legacy-peer-deps",
  "strict-peer-deps",
  "install-strategy",
  "legacy-bundling",
  "prefer-dedupe",
  "install-links",
]);
/** Settings without any effect on what is installed: not worth a word to the owner. */
const NPM_SILENT = new Set([
  "fund",
  "audit",
  "save-exact",
  "save-prefix",
  "engine-strict",
  "loglevel",
  "progress",
  "color",
]);
const PNPM_SILENT = new Set([
  "onlyBuiltDependencies",
  "ignoredBuiltDependencies",
  "neverBuiltDependencies",
  "allowBuilds",
  "engineStrict",
  "saveExact",
  "savePrefix",
  "minimumReleaseAge",
  "minimumReleaseAgeExclude",
  "updateNotifier",
  "packageManagerStrict",
]);

export function readInstallSettings(sources: {
  readonly npmrc: string | null;
  readonly workspaceYaml: string | null;
  readonly pnpmField: unknown;
  readonly manifest: PackageJson;
  /** pnpm itself made the lockfile, and never looked at npm's overrides. */
  readonly pnpmLockfile: boolean;
}): InstallSettings {
  const pnpm: Record<string, unknown> = {};
  const npm: Record<string, string> = {};
  const ignored = new Set<string>();
  const takePnpm = (name: string, value: unknown) => {
    if (PNPM_ALLOWED.has(name)) pnpm[name] = value;
    else if (!PNPM_SILENT.has(name)) ignored.add(name);
  };
  for (const [name, value] of npmrcEntries(sources.npmrc ?? "")) {
    const list = name.endsWith("[]");
    const camel = name.replace("[]", "").replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
    if (NPM_ALLOWED.has(name)) npm[name] = value;
    if (PNPM_ALLOWED.has(camel)) {
      const before = pnpm[camel];
      pnpm[camel] = list ? [...(Array.isArray(before) ? before : []), value] : scalar(value);
    } else if (!NPM_ALLOWED.has(name) && !NPM_SILENT.has(name)) ignored.add(settingName(name));
  }
  for (const [name, value] of Object.entries(asRecord(sources.pnpmField))) takePnpm(name, value);
  for (const [name, value] of Object.entries(parseYaml(sources.workspaceYaml))) takePnpm(name, value);
  if (Array.isArray(pnpm.packages))
    pnpm.packages = pnpm.packages.filter((entry) => typeof entry === "string" && staysInside(entry));
  // pnpm reads overrides from its own file only; projects that came from yarn or npm have them in the manifest.
  if (pnpm.overrides === undefined) {
    const inherited =
      sources.manifest.resolutions ??
      (sources.pnpmLockfile ? undefined : plainOverrides(sources.manifest.overrides));
    if (inherited !== undefined) pnpm.overrides = inherited;
  }
  return { pnpm, npm, ignored: [...ignored].sort() };
}

/** Forced, whatever the project says: links instead of shell shims, since the dev server is started by Node directly. */
export function renderPnpmWorkspace(settings: InstallSettings, layout: { readonly flat: boolean }): string {
  const values = {
    ...settings.pnpm,
    ...(layout.flat ? { nodeLinker: "hoisted" } : {}),
    preferSymlinkedExecutables: true,
    // By default pnpm waits 10 and 60 seconds before it says that there is no network.
    fetchRetryMintimeout: 500,
    fetchRetryMaxtimeout: 5000,
  };
  return stringify(values, { sortMapEntries: true });
}

/** Until version 9, pnpm took simple settings from `.npmrc`, and needs `packages` in its own file where there is one. */
export function oldPnpmFiles(
  settings: InstallSettings,
  layout: { readonly flat: boolean },
): readonly (readonly [string, string])[] {
  const values = {
    ...settings.pnpm,
    ...(layout.flat ? { nodeLinker: "hoisted" } : {}),
    preferSymlinkedExecutables: true,
  };
  const lines = Object.entries(values).flatMap(([name, value]) => {
    const kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (name === "packages" || (typeof value === "object" && !Array.isArray(value))) return [];
    return Array.isArray(value) ? value.map((each) => `${kebab}[]=${each}`) : [`${kebab}=${value}`];
  });
  const npmrc = [
    ".npmrc",
    lines
      .sort()
      .map((line) => `${line}\n`)
      .join(""),
  ] as const;
  const { packages } = settings.pnpm;
  return packages === undefined ? [npmrc] : [npmrc, ["pnpm-workspace.yaml", stringify({ packages })]];
}

export function renderNpmrc(settings: InstallSettings): string {
  return Object.entries(settings.npm)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

function* npmrcEntries(text: string): Generator<[string, string]> {
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const split = line.indexOf("=");
    const name = (split < 0 ? line : line.slice(0, split)).trim();
    const value =
      split < 0
        ? "true"
        : line
            .slice(split + 1)
            .trim()
            .replace(/^(["'])(.*)\1$/, "$2");
    // `${NAME}` would be read from the installer's environment.
    yield value.includes("${") ? [`${name} (variable)`, ""] : [name, value];
  }
}

/** The setting's name without the host it belongs to; never its value, which may be a secret. */
function settingName(name: string): string {
  return name.startsWith("//") ? (name.split(":").at(-1) ?? "registry login") : name;
}

function scalar(value: string): string | boolean {
  return value === "true" ? true : value === "false" ? false : value;
}

function parseYaml(text: string | null): Readonly<Record<string, unknown>> {
  if (text === null) return {};
  try {
    return asRecord(parse(text, { maxAliasCount: 50 }));
  } catch (cause) {
    const message = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : "";
    throw new VelocityError("validation", "pnpm-workspace.yaml is not valid YAML.", {
      errors: [{ path: "pnpm-workspace.yaml", code: "invalid_yaml", message }],
      cause,
    });
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value))
    : {};
}

/** npm's overrides may nest; pnpm takes the plain ones. */
function plainOverrides(value: unknown): Record<string, string> | undefined {
  const plain = Object.entries(asRecord(value)).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && !entry[1].startsWith("$"),
  );
  return plain.length === 0 ? undefined : Object.fromEntries(plain);
}

function staysInside(pattern: string): boolean {
  return !pattern.startsWith("/") && !pattern.split("/").includes("..");
}
