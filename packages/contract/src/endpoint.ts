import { z } from "zod";

/** Where something listens. A stored host port is never an identity: ports get recycled. */
export const endpointSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("unix"), path: z.string() }),
  z.object({ kind: z.literal("tcp"), host: z.string(), port: z.int() }),
  z.object({ kind: z.literal("fly"), app: z.string(), instance: z.string() }),
]);
export type Endpoint = z.infer<typeof endpointSchema>;
