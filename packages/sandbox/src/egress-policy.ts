import { isIP } from "node:net";
import type { NetworkPolicy } from "@velocity/contract";

/** A host that may be asked, by exact name and port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Proxy that this machine itself needs to get out. */
export interface UpstreamProxy {
  readonly url: string;
  /** Names that are reached directly: `host`, `.domain`, `host:port`, or `*`. */
  readonly except: readonly string[];
}

/** What the operator's own configuration says about the network. */
export interface EgressSettings {
  /** Package registries: all that `registry` allows. Chosen by the operator, and so allowed to be private addresses. */
  readonly allowedHosts: readonly HostPort[];
  readonly upstream: UpstreamProxy | null;
}

export type EgressDecision =
  | { readonly kind: "refuse"; readonly reason: string }
  /** `trusted`: the operator named this very host and port; its address is not questioned. */
  | { readonly kind: "allow"; readonly trusted: boolean; readonly viaUpstream: boolean };

/** Whether a target may be asked at all; addresses are checked once the name is resolved. */
export function decideEgress(
  policy: NetworkPolicy,
  settings: EgressSettings,
  target: HostPort,
): EgressDecision {
  if (policy === "none") return { kind: "refuse", reason: "this preview has no network" };
  const trusted = settings.allowedHosts.some(
    ({ host, port }) => host === target.host && port === target.port,
  );
  if (policy === "registry" && !trusted)
    return { kind: "refuse", reason: "this preview may reach package registries only" };
  const viaUpstream = settings.upstream !== null && !isExcepted(settings.upstream.except, target);
  return { kind: "allow", trusted, viaUpstream };
}

/** `host:port` of a CONNECT, or of a URL; null where it is malformed. */
export function parseHostPort(text: string, defaultPort: number | null): HostPort | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]{1,253}))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return null;
  const [, v6, name, digits] = match;
  const host = (v6 ?? name ?? "").toLowerCase().replace(/\.$/, "");
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === "" || port === null || port < 1 || port > 65_535) return null;
  return v6 !== undefined && isIP(host) !== 6 ? null : { host, port };
}

function isExcepted(except: readonly string[], target: HostPort): boolean {
  return except.some((entry) => {
    const rule = entry.trim().toLowerCase();
    if (rule === "*") return true;
    const [name = "", port] = rule.split(":");
    if (name === "" || (port !== undefined && port !== String(target.port))) return false;
    const domain = name.startsWith(".") ? name : `.${name}`;
    return target.host === name || target.host.endsWith(domain);
  });
}
