import { filePathSchema, projectIdSchema } from "@velocity/contract";
import { z } from "zod";

export const projectParams = z.object({ id: projectIdSchema });
/** A file of a project; its slashes are part of the address. */
export const fileParams = z.object({ id: projectIdSchema, path: filePathSchema });
/** The pattern takes the rest of the address; the OpenAPI document shows it as `{path}`. */
export const FILE_PATTERN = "/api/projects/{id}/files/{path{.+}}";
