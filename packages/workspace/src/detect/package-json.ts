import { type FieldError, VelocityError } from "@velocity/contract";
import { z } from "zod";
import { parseJson } from "./parse-json.ts";

const stringRecord = z.record(z.string(), z.string());

/** The fields of a package.json that Velocity looks at; others pass through untouched. */
export const packageJsonSchema = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  type: z.string().optional(),
  main: z.string().optional(),
  packageManager: z.string().optional(),
  scripts: stringRecord.optional(),
  dependencies: stringRecord.optional(),
  devDependencies: stringRecord.optional(),
  optionalDependencies: stringRecord.optional(),
  peerDependencies: stringRecord.optional(),
  workspaces: z
    .union([z.array(z.string()), z.looseObject({ packages: z.array(z.string()).optional() })])
    .optional(),
});
export type PackageJson = z.infer<typeof packageJsonSchema>;

/** Throws `validation` that names the file and the field. */
export function parsePackageJson(path: string, text: string): PackageJson {
  const parsed = packageJsonSchema.safeParse(parseJson(path, text));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map((issue): FieldError => {
    const field = issue.path.join(".");
    return { path: field === "" ? path : `${path}: ${field}`, code: issue.code, message: issue.message };
  });
  throw new VelocityError("validation", `${path} is not a valid package manifest.`, { errors });
}

/** Everything that is installed for development, by name. */
export function allDependencies(manifest: PackageJson): Readonly<Record<string, string>> {
  return { ...manifest.optionalDependencies, ...manifest.devDependencies, ...manifest.dependencies };
}

/** Folder patterns of the workspaces that a manifest declares. */
export function workspacePatterns(manifest: PackageJson): readonly string[] {
  const { workspaces } = manifest;
  if (workspaces === undefined) return [];
  return Array.isArray(workspaces) ? workspaces : (workspaces.packages ?? []);
}
