import { type Project, VelocityError } from "@velocity/contract";
import type { Caller } from "../services.ts";

/** The owner, an admin, and with authentication off everyone. */
export function mayUse(caller: Caller, owned: Pick<Project, "ownerId">): boolean {
  return caller.role === "admin" || caller.createsUnknownProjects || owned.ownerId === caller.userId;
}

/** The same for a project of someone else and for one that does not exist. */
export function noProject(): VelocityError {
  return new VelocityError("not_found", "There is no such project.");
}
