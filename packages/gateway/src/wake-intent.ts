import type { RequestFacts } from "./request-facts.ts";

/** What a request may do to a session that is not awake. */
export type WakeIntent =
  /** Wakes; waits shortly, then gets the waiting page. */
  | "navigation"
  /** Wakes and waits. */
  | "use"
  /** Answered 503 at once, wakes nothing. */
  | "background";

const ROBOT = /\b(?:[a-z]*bot|crawler|spider|slurp|facebookexternalhit|preview-fetch|monitoring|uptime)\b/i;
const PING_SUBPROTOCOLS = new Set(["vite-ping", "vite-hmr"]);

/** Sent by nobody's hand: reconnects, prefetches, icons, robots. Never counts as use of the page either. */
export function isBackground(method: string, target: string, facts: RequestFacts): boolean {
  if (facts.purpose !== null && /prefetch|prerender|preview/.test(facts.purpose)) return true;
  if (ROBOT.test(facts.userAgent)) return true;
  if (facts.accept === "text/x-vite-ping") return true;
  if (method === "OPTIONS") return true;
  const path = target.split("?", 1)[0] ?? "";
  return path === "/favicon.ico" || path === "/robots.txt" || path === "/__vite_ping";
}

/** A document in a window or frame, or HTML asked for by a client that sends no fetch metadata. */
export function wantsDocument(facts: RequestFacts): boolean {
  if (facts.fetchMode !== null) {
    return (
      facts.fetchMode === "navigate" &&
      (facts.fetchDest === null || /^(?:document|i?frame)$/.test(facts.fetchDest))
    );
  }
  return facts.accept?.includes("text/html") === true;
}

/**
 * The table "Waking" of the gateway's design. Pure.
 *
 * Whether a person is at an open page only the bridge can say; until a page carries it, fetches and assets of a page are
 * taken for use: a wrong wake costs some memory, a wrong refusal breaks the page that somebody looks at. A client without
 * fetch metadata that does not ask for HTML (curl, a test, another server) asks on purpose, and waits like an API call.
 * No handshake wakes: after a suspension it is a reconnect, and the page that a person comes back to navigates or fetches.
 */
export function wakeIntent(
  request: { readonly method: string; readonly target: string; readonly upgrade: boolean },
  facts: RequestFacts,
): WakeIntent {
  if (request.upgrade || PING_SUBPROTOCOLS.has(facts.webSocketProtocol)) return "background";
  if (isBackground(request.method, request.target, facts)) return "background";
  if (!wantsDocument(facts)) return "use";
  // A form that was posted must arrive: the waiting page would drop its body.
  return request.method === "GET" || request.method === "HEAD" ? "navigation" : "use";
}
