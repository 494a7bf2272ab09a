import { z } from "zod";
import { filePathSchema } from "./files.ts";

/** Of a branch, tag or full commit id: no option, no refspec, no revision operators. */
const REF = /^(?!.*(?:\.\.|\/\/|@\{|\.lock$|[./]$))[A-Za-z0-9_][A-Za-z0-9._/@+#-]*$/;

/** Whether an address is that of a repository over HTTP, without a login, query or fragment. */
function isRepositoryUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s\\?#@]+$/i.test(text)) return false;
  const url = URL.parse(text);
  return url !== null && url.hostname !== "" && url.username === "" && url.password === "";
}

/** A Git repository that a project's files are taken from, once. */
export const gitSourceSchema = z.strictObject({
  url: z
    .string()
    .max(2048)
    .refine(isRepositoryUrl, "must be an http:// or https:// address without a login, query or fragment")
    .describe("Address of a public repository, without a login."),
  ref: z
    .string()
    .max(250)
    .regex(REF, "must be the name of a branch or tag, or a full commit id")
    .optional()
    .describe("Branch, tag or full commit id; default: the repository's own default branch."),
  directory: filePathSchema.optional().describe("Folder of the repository that becomes the project."),
});
export type GitSource = z.infer<typeof gitSourceSchema>;
