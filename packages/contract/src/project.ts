import { z } from "zod";
import { fileContentSchema } from "./files.ts";
import { gitSourceSchema } from "./git-source.ts";
import { projectIdSchema, userIdSchema } from "./ids.ts";

export const projectSourceSchema = z.enum(["template", "files", "git", "archive", "directory"]);
export type ProjectSource = z.infer<typeof projectSourceSchema>;

export const projectSchema = z.object({
  id: projectIdSchema,
  name: z.string(),
  ownerId: userIdSchema,
  source: projectSourceSchema,
  template: z.string().nullable(),
  /** Only for linked directories, and only shown to who may link them. */
  directory: z.string().nullable(),
  version: z.int(),
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
});
export type Project = z.infer<typeof projectSchema>;

/** Body of `POST /api/projects`: at most one of template, files, git, directory; none: the default template. */
export const createProjectSchema = z.strictObject({
  id: projectIdSchema.optional(),
  name: z.string().trim().min(1).max(120),
  template: z.string().min(1).max(64).optional(),
  files: z.array(fileContentSchema).max(5000).optional(),
  git: gitSourceSchema.optional(),
  directory: z.string().min(1).max(4096).optional(),
});
export type CreateProject = z.input<typeof createProjectSchema>;

export const templateSchema = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  framework: z.string(),
});
export type Template = z.infer<typeof templateSchema>;

/** How much of the network a preview may reach. */
export const networkPolicySchema = z.enum(["none", "registry", "full"]);
export type NetworkPolicy = z.infer<typeof networkPolicySchema>;

/** `velocity.json` in a project. Every key optional; an unknown key is an error that names it. */
export const velocityJsonSchema = z.strictObject({
  $schema: z.string().optional(),
  install: z.string().min(1).optional(),
  command: z.string().min(1).optional(),
  port: z.int().min(1).max(65535).optional(),
  ready: z
    .strictObject({
      path: z.string().startsWith("/").optional(),
      timeoutMs: z.int().min(1000).max(600_000).optional(),
    })
    .optional(),
  env: z.record(z.string(), z.string()).optional(),
  network: networkPolicySchema.optional(),
});
export type VelocityJson = z.infer<typeof velocityJsonSchema>;
