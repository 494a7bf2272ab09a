import type { SessionId } from "@velocity/contract";
import { sessionIdSchema } from "@velocity/contract";

/** What a `Host` header means. `malformed`: below the preview domain, but no session's host. */
export type PreviewHost =
  | { readonly kind: "session"; readonly id: SessionId; readonly port?: number }
  | { readonly kind: "other" }
  | { readonly kind: "malformed" };

const OTHER: PreviewHost = { kind: "other" };
const MALFORMED: PreviewHost = { kind: "malformed" };
const LABEL = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:--([1-9][0-9]{0,4}))?$/;
const AUTHORITY = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.-]{0,252}))(?::([0-9]{1,5}))?$/;

/**
 * Lower case, without port and one trailing dot; null where it is no `host[:port]` at all
 * (RFC 9110, 7.2: such a request is answered 400).
 */
export function normalizeHost(host: string): string | null {
  const lower = host.toLowerCase();
  const match = AUTHORITY.exec(lower);
  if (match === null) return null;
  const port = match[1];
  if (port !== undefined && Number(port) > 65_535) return null;
  const bare = port === undefined ? lower : lower.slice(0, -port.length - 1);
  const name = bare.endsWith(".") ? bare.slice(0, -1) : bare;
  return name === "" || name.includes("..") || name.endsWith(".") ? null : name;
}

/**
 * Reads `<session-id>[--<port>].<domain>[:port]`. Pure and strict: everything else below the domain is `malformed`,
 * the domain itself and foreign names are `other`.
 */
export function parsePreviewHost(host: string, domain: string): PreviewHost {
  const name = normalizeHost(host);
  if (name === null) return MALFORMED;
  if (!name.endsWith(domain) || name.length === domain.length) return OTHER;
  const dot = name.length - domain.length - 1;
  if (name[dot] !== ".") return OTHER;
  const match = LABEL.exec(name.slice(0, dot));
  if (match?.[1] === undefined) return MALFORMED;
  const id = sessionIdSchema.parse(match[1]);
  if (match[2] === undefined) return { kind: "session", id };
  const port = Number(match[2]);
  return port <= 65_535 ? { kind: "session", id, port } : MALFORMED;
}
