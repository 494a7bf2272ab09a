import { z } from "zod";

/**
 * Every id of Velocity is a UUID, and each kind has a type of its own so that one can never be passed for another.
 * Ids are compared and stored in lower case.
 */
const uuid = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, "must be a UUID");

export const sessionIdSchema = uuid.brand<"SessionId">();
export const projectIdSchema = uuid.brand<"ProjectId">();
export const userIdSchema = uuid.brand<"UserId">();
export const containerIdSchema = uuid.brand<"ContainerId">();
export const snapshotIdSchema = uuid.brand<"SnapshotId">();
export const installIdSchema = uuid.brand<"InstallId">();

export type SessionId = z.infer<typeof sessionIdSchema>;
export type ProjectId = z.infer<typeof projectIdSchema>;
export type UserId = z.infer<typeof userIdSchema>;
export type ContainerId = z.infer<typeof containerIdSchema>;
export type SnapshotId = z.infer<typeof snapshotIdSchema>;
/** One Velocity installation: the rows and containers that belong together. */
export type InstallId = z.infer<typeof installIdSchema>;

/** The one user of an installation without authentication. */
export const LOCAL_USER_ID: UserId = userIdSchema.parse("00000000-0000-0000-0000-000000000001");
/** The project that always exists and always works. */
export const DEMO_PROJECT_ID: ProjectId = projectIdSchema.parse("550e8400-e29b-41d4-a716-446655440000");
