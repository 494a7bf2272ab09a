import { RESERVED_PREFIX } from "@velocity/contract";
import type { RouteResolution } from "./route-lookup.ts";
import type { WakeFailure } from "./waker.ts";

/** Served by the gateway on every preview host; the waiting page asks for it. */
export const STATUS_PATH = `${RESERVED_PREFIX}status`;

export interface SessionStatus {
  readonly state: "live" | "asleep" | "waking" | "starting" | "failed" | "missing";
  readonly phase?: string;
  readonly code?: string;
  readonly message?: string;
}

/** Pure. */
export function sessionStatus(
  route: RouteResolution,
  waking: boolean,
  failure: WakeFailure | null,
): SessionStatus {
  switch (route.kind) {
    case "live":
      return { state: "live" };
    case "starting":
      return { state: "starting", ...(route.phase === undefined ? {} : { phase: route.phase }) };
    case "failed":
      return { state: "failed", code: route.code, message: route.message };
    case "asleep":
      if (waking) return { state: "waking" };
      if (failure === null) return { state: "asleep" };
      return { state: "failed", code: failure.error.code, message: failure.error.publicMessage };
    case "missing":
      return { state: "missing", code: "not_found", message: "This preview does not exist." };
  }
}
