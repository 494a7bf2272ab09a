import { z } from "zod";

/** `GET /health` of the server. */
export const serverHealthSchema = z.object({
  status: z.enum(["ok", "degraded"]),
  timestamp: z.iso.datetime(),
  version: z.string(),
  checks: z.object({ database: z.boolean(), driver: z.boolean(), blobs: z.boolean() }),
});
export type ServerHealth = z.infer<typeof serverHealthSchema>;
