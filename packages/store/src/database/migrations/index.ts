import { foundation } from "./0001-foundation.ts";
import type { Migration } from "./migration.ts";

/** All migrations, oldest first. */
export const MIGRATIONS: readonly Migration[] = [foundation];
