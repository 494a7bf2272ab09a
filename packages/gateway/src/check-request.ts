import type { RequestFraming } from "@velocity/edge";
import { normalizeHost } from "@velocity/edge";
import type { RequestFacts } from "./request-facts.ts";

/** A request that may go on, or the status that refuses it and ends its connection. */
export type RequestCheck =
  | { readonly kind: "ok"; readonly target: string; readonly framing: RequestFraming }
  | { readonly kind: "refused"; readonly status: 400 | 405 | 431; readonly why: string };

/**
 * The strict checks that Node's parser leaves out (see "Hostile input" of the gateway's design). Pure.
 * RFC 9112, 3.2: one valid Host; 6.1: no coding in HTTP/1.0.
 */
export function checkRequest(
  request: { readonly method: string; readonly url: string; readonly httpVersionMinor: number },
  facts: RequestFacts,
  limits: { readonly maxHeaderLines: number },
): RequestCheck {
  if (facts.lines > limits.maxHeaderLines) return refuse(431, "Too many header lines.");
  if (facts.hostLines !== 1) return refuse(400, "One Host header is needed.");
  if (normalizeHost(facts.host) === null) return refuse(400, "The Host header is malformed.");
  if (request.method === "TRACE" || request.method === "CONNECT") {
    return refuse(405, "This method is not served here.");
  }
  if (facts.transferEncoding !== null) {
    if (request.httpVersionMinor === 0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding.");
    if (facts.transferEncoding.toLowerCase() !== "chunked") return refuse(400, "Only chunked is accepted.");
    if (facts.contentLength !== null) return refuse(400, "Content-Length and Transfer-Encoding together.");
  }
  const target = originForm(request.url, facts.host, request.method);
  if (target === null) return refuse(400, "The request target is malformed or names another host.");
  return { kind: "ok", target, framing: framingOf(facts) };
}

/** The same for a handshake: only a WebSocket one is an upgrade here (RFC 6455, 4.1). */
export function checkUpgrade(
  request: { readonly method: string; readonly url: string; readonly httpVersionMinor: number },
  facts: RequestFacts,
  limits: { readonly maxHeaderLines: number },
): RequestCheck {
  const check = checkRequest(request, facts, limits);
  if (check.kind === "refused") return check;
  if (request.method !== "GET" || request.httpVersionMinor === 0 || check.framing !== "none") {
    return refuse(400, "Only a GET without a body can be upgraded.");
  }
  if (facts.upgrade?.trim().toLowerCase() !== "websocket")
    return refuse(400, "Only WebSocket is upgraded to.");
  if (!facts.webSocketKey) return refuse(400, "The handshake has no key.");
  return check;
}

function framingOf(facts: RequestFacts): RequestFraming {
  if (facts.transferEncoding !== null) return "chunked";
  return facts.contentLength === null || facts.contentLength === "0" ? "none" : "length";
}

/** The target as written; the absolute form only where it names the Host itself. Null: refused. */
function originForm(url: string, host: string, method: string): string | null {
  if (url.startsWith("/") || (url === "*" && method === "OPTIONS")) return url;
  const match = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  if (match?.[1] === undefined || match[1].toLowerCase() !== host.toLowerCase()) return null;
  const rest = match[2] ?? "";
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function refuse(status: 400 | 405 | 431, why: string): RequestCheck {
  return { kind: "refused", status, why };
}
