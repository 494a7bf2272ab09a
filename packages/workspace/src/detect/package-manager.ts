import type { PackageManagerName } from "../ports.ts";

/** Lockfiles, the most specific first: where several lie around, the first one counts. */
const LOCKFILES: readonly (readonly [string, PackageManagerName])[] = [
  ["pnpm-lock.yaml", "pnpm"],
  ["bun.lock", "bun"],
  ["bun.lockb", "bun"],
  ["yarn.lock", "yarn"],
  ["npm-shrinkwrap.json", "npm"],
  ["package-lock.json", "npm"],
];

export interface PackageManager {
  /** Null: the project does not say; whoever installs may choose. */
  readonly name: PackageManagerName | null;
  /** Exact version of the `packageManager` field, without its hash. */
  readonly version: string | null;
  readonly lockfile: string | null;
}

/**
 * The `packageManager` field wins where its lockfile exists or none does; otherwise the lockfile says what the project
 * was really installed with.
 */
export function detectPackageManager(
  files: ReadonlySet<string>,
  packageManagerField: string | undefined,
): PackageManager {
  const declared = /^(pnpm|npm|yarn|bun)@(\d+\.\d+\.\d+[^+]*)/.exec(packageManagerField ?? "");
  const declaredName = LOCKFILES.find(([, name]) => name === declared?.[1])?.[1] ?? null;
  const present = LOCKFILES.filter(([file]) => files.has(file));
  const own = present.find(([, name]) => name === declaredName);
  const chosen = own ?? present[0];
  if (chosen === undefined) return { name: declaredName, version: declared?.[2] ?? null, lockfile: null };
  const [lockfile, name] = chosen;
  return { name, version: name === declaredName ? (declared?.[2] ?? null) : null, lockfile };
}
