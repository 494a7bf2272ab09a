import { z } from "zod";
import { isSafePath, MAX_PATH_BYTES } from "./safe-path.ts";

/**
 * A path inside a project: relative, `/`-separated, no empty, `.` or `..` segment, no NUL, no backslash,
 * nothing of `.git` or `node_modules` (those are not project files).
 */
export const filePathSchema = z
  .string()
  .min(1)
  .refine((path) => new TextEncoder().encode(path).length <= MAX_PATH_BYTES, "path is too long")
  .refine((path) => isSafePath(path), "unsafe path: use a relative path inside the project");

export const fileEncodingSchema = z.enum(["utf8", "base64"]);

/** One file with its content. `mode` is the permission bits, e.g. 0o755; absent: 0o644. */
export const fileContentSchema = z.strictObject({
  path: filePathSchema,
  content: z.string(),
  encoding: fileEncodingSchema.default("utf8"),
});
export type FileContent = z.infer<typeof fileContentSchema>;

/** Body of `PUT /api/projects/:id/files`. All of it is applied, or none. */
export const putFilesSchema = z.strictObject({
  files: z.array(fileContentSchema).max(5000).default([]),
  deletes: z.array(filePathSchema).max(5000).default([]),
  baseVersion: z.int().min(0).optional(),
});
export type PutFiles = z.input<typeof putFilesSchema>;

export const putFilesResponseSchema = z.object({ version: z.int(), sessionsNotified: z.int() });

export const fileEntrySchema = z.object({
  path: z.string(),
  size: z.int(),
  version: z.int(),
  updatedAt: z.iso.datetime(),
});
export type FileEntry = z.infer<typeof fileEntrySchema>;

export const fileReadSchema = z.object({
  path: z.string(),
  content: z.string(),
  encoding: fileEncodingSchema,
  version: z.int(),
});
