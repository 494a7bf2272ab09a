import * as contract from "@velocity/contract";
import type { z } from "zod";

/** The contract's schemas under the names that the OpenAPI document gives them. Routes use these. */
export const sessionSchema = named(contract.sessionSchema, "Session");
export const startRequestSchema = named(contract.startRequestSchema, "StartRequest");
export const startResponseSchema = named(
  contract.startResponseSchema.extend({ session: sessionSchema }),
  "StartResponse",
);
export const sessionEventSchema = named(contract.sessionEventSchema, "SessionEvent");
export const historyEntrySchema = named(contract.historyEntrySchema, "HistoryEntry");
export const logLineSchema = named(contract.logLineSchema, "LogLine");
export const execSchema = named(contract.execSchema, "Exec");
export const execResultSchema = named(contract.execResultSchema, "ExecResult");
export const projectSchema = named(contract.projectSchema, "Project");
export const createProjectSchema = named(contract.createProjectSchema, "CreateProject");
export const putFilesSchema = named(contract.putFilesSchema, "PutFiles");
export const putFilesResponseSchema = named(contract.putFilesResponseSchema, "PutFilesResponse");
export const fileEntrySchema = named(contract.fileEntrySchema, "FileEntry");
export const fileReadSchema = named(contract.fileReadSchema, "FileRead");
export const templateSchema = named(contract.templateSchema, "Template");
export const serverHealthSchema = named(contract.serverHealthSchema, "ServerHealth");
export const problemSchema = named(contract.problemSchema, "Problem");

/** A copy, so that the contract's own schema keeps its anonymity. */
function named<T extends z.ZodType>(schema: T, name: string): T {
  return schema.meta({ id: name });
}
