import {
  type Resources,
  type StartOptions,
  TIERS,
  type Tier,
  type UserId,
  VelocityError,
} from "@velocity/contract";
import type { CoreContext } from "../context.ts";
import type { Caller } from "../services.ts";
import type { SessionRecord } from "../session-record.ts";

/** Whose session it is to be. Throws `forbidden`. */
export function userOf(caller: Caller, asked: UserId | undefined): UserId {
  if (asked === undefined || asked === caller.userId) return caller.userId;
  if (caller.role === "admin" || caller.createsUnknownProjects) return asked;
  throw new VelocityError("forbidden", "Only an administrator may start a session for someone else.");
}

/** `auto` is persistent where the engine keeps anything at all. */
export function modeOf(core: CoreContext, options: StartOptions): SessionRecord["mode"] {
  const asked = options.mode ?? core.settings.preferredSessionMode;
  if (asked !== "auto") return asked;
  return core.driver.capabilities.suspend === "none" ? "ephemeral" : "persistent";
}

/** Tier and resources: what is asked for within the tier, what the tier gives otherwise. Throws `validation`. */
export function limitsOf(
  core: CoreContext,
  caller: Caller,
  options: StartOptions,
): { tier: Tier; resources: Resources } {
  const free = caller.role === "admin" || caller.createsUnknownProjects;
  const tier = options.tier !== undefined && free ? options.tier : core.settings.tier;
  const limit = TIERS[tier].resources;
  const resources = {
    cpus: within("cpus", limit.cpus, options.resources?.cpus),
    memoryMb: within("memoryMb", limit.memoryMb, options.resources?.memoryMb),
    diskMb: within("diskMb", limit.diskMb, options.resources?.diskMb),
  };
  return { tier, resources };
}

function within(name: string, limit: number | null, asked: number | undefined): number | null {
  if (asked === undefined) return limit;
  if (limit === null || asked <= limit) return asked;
  const message = `${name} may be at most ${limit} in this tier.`;
  throw new VelocityError("validation", message, {
    errors: [{ path: `resources.${name}`, code: "too_big", message }],
  });
}
