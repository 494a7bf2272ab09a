import { z } from "zod";

/** `GET /api/pool`: warm containers of this installation. */
export const poolSchema = z.object({
  /** Target per template in use. */
  size: z.int(),
  /** Ready to be claimed. */
  available: z.int(),
  /** Being made. */
  creating: z.int(),
  templates: z.array(z.object({ template: z.string(), available: z.int(), creating: z.int() })),
});
export type PoolStatus = z.infer<typeof poolSchema>;
