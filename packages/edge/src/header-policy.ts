import { HEADER_PREFIX } from "@velocity/contract";

/** What the gateway itself says about the client, in place of whatever the client said. */
export interface Forwarded {
  readonly for: string;
  readonly host: string;
  readonly proto: "http" | "https";
}

export type RequestFraming = "none" | "length" | "chunked";

/** Cookies of the platform: they never reach an app, and no app may set them. */
const PLATFORM_COOKIE = /^(?:__host-|__secure-)?velocity(?:[-_.]|$)/i;
/** Named in `Connection` these would break routing or framing, so that naming them means nothing. */
const KEPT_REQUEST = new Set(["host", "content-length", "cookie", "origin", "authorization"]);
const KEPT_RESPONSE = new Set(["content-length", "content-type", "set-cookie", "location", "date"]);
const DROPPED_REQUEST = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "forwarded",
  "x-real-ip",
]);
const DROPPED_RESPONSE = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-frame-options",
]);

/** The further hop-by-hop headers that a `Connection` value names, in lower case; null: none. */
export function namedByConnection(value: string): ReadonlySet<string> | null {
  if (value === "keep-alive" || value === "close" || value === "Upgrade") return null;
  const names = new Set<string>();
  for (const token of value.toLowerCase().split(",")) {
    const name = token.trim();
    if (name !== "" && name !== "keep-alive" && name !== "close" && name !== "upgrade") names.add(name);
  }
  return names.size === 0 ? null : names;
}

/**
 * The request head as the container sees it. Host, Origin and every end-to-end header keep their bytes, order and case;
 * hop-by-hop headers, ours, and forged forwarding headers are replaced. The target is written byte for byte: building a
 * URL from `//evil/x` would switch hosts.
 */
export function requestHead(request: {
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly string[];
  readonly framing: RequestFraming;
  readonly forwarded: Forwarded;
  /** Value of `Connection` towards the container. */
  readonly connection: "keep-alive" | "close" | "Upgrade";
}): string {
  const raw = request.rawHeaders;
  const named = connectionNames(raw);
  let head = `${request.method} ${request.target} HTTP/1.1\r\n`;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] ?? "";
    const lower = name.toLowerCase();
    if (dropsRequestHeader(lower, named)) continue;
    const value = raw[i + 1] ?? "";
    if (lower === "cookie") {
      const cookies = withoutPlatformCookies(value);
      if (cookies !== "") head += `${name}: ${cookies}\r\n`;
      continue;
    }
    head += `${name}: ${value}\r\n`;
  }
  if (request.framing === "chunked") head += "Transfer-Encoding: chunked\r\n";
  if (request.connection === "Upgrade") head += "Upgrade: websocket\r\n";
  const { forwarded } = request;
  return `${head}X-Forwarded-For: ${forwarded.for}\r\nX-Forwarded-Host: ${forwarded.host}\r\nX-Forwarded-Proto: ${forwarded.proto}\r\nConnection: ${request.connection}\r\n\r\n`;
}

function dropsRequestHeader(lower: string, named: ReadonlySet<string> | null): boolean {
  return (
    DROPPED_REQUEST.has(lower) ||
    lower.startsWith("x-forwarded-") ||
    lower.startsWith(HEADER_PREFIX) ||
    (named?.has(lower) === true && !KEPT_REQUEST.has(lower))
  );
}

/** Response headers as the client may see them; names and values alternate. */
export function responseHeaders(
  rawHeaders: readonly string[],
  options: {
    readonly status: number;
    /** Who may frame documents; null leaves framing policy alone. */
    readonly frameAncestors: string | null;
  },
): string[] {
  const named = connectionNames(rawHeaders);
  const bodiless = options.status === 204 || options.status < 200;
  const out: string[] = [];
  let html = false;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    const lower = name.toLowerCase();
    if (DROPPED_RESPONSE.has(lower) || lower.startsWith(HEADER_PREFIX)) continue;
    if (named?.has(lower) === true && !KEPT_RESPONSE.has(lower)) continue;
    let value = rawHeaders[i + 1] ?? "";
    if (lower === "set-cookie") {
      const cookie = hostOnlyCookie(value);
      if (cookie === null) continue;
      value = cookie;
    } else if (lower === "content-length") {
      if (bodiless) continue;
    } else if (lower === "content-type") {
      html = /^\s*(?:text\/html|application\/xhtml\+xml)/i.test(value);
    } else if (lower === "content-security-policy" && options.frameAncestors !== null) {
      value = withoutFrameAncestors(value);
      if (value === "") continue;
    }
    out.push(name, value);
  }
  if (html && options.frameAncestors !== null) {
    // Policies combine by intersection: one more header adds our rule and leaves the app's own ones as they are.
    out.push("Content-Security-Policy", `frame-ancestors ${options.frameAncestors}`);
  }
  return out;
}

/** Trailers get the same policy, and may carry nothing that frames or routes (RFC 9110, 6.5.1). */
export function trailerHeaders(raw: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const lower = (raw[i] ?? "").toLowerCase();
    if (DROPPED_REQUEST.has(lower) || DROPPED_RESPONSE.has(lower) || KEPT_REQUEST.has(lower)) continue;
    if (lower.startsWith(HEADER_PREFIX) || lower.startsWith("x-forwarded-") || KEPT_RESPONSE.has(lower))
      continue;
    out.push([raw[i] ?? "", raw[i + 1] ?? ""]);
  }
  return out;
}

function connectionNames(raw: readonly string[]): ReadonlySet<string> | null {
  let all: Set<string> | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i];
    if (name?.length !== 10 || name.toLowerCase() !== "connection") continue;
    const names = namedByConnection(raw[i + 1] ?? "");
    if (names === null) continue;
    all ??= new Set();
    for (const one of names) all.add(one);
  }
  return all;
}

/** Null: a cookie named like one of the platform's. Otherwise without `Domain`, so that it stays on its own host. */
export function hostOnlyCookie(value: string): string | null {
  const equals = value.indexOf("=");
  const name = (equals === -1 ? value : value.slice(0, equals)).split(";")[0]?.trim() ?? "";
  // A nameless cookie `=__Host-velocity=x` is stored and sent back as `__Host-velocity=x`.
  const effective =
    name === ""
      ? (value
          .slice(equals + 1)
          .split(/[=;]/)[0]
          ?.trim() ?? "")
      : name;
  if (PLATFORM_COOKIE.test(effective)) return null;
  if (!/;\s*domain/i.test(value)) return value;
  const [pair = "", ...attributes] = value.split(";");
  return [pair, ...attributes.filter((attribute) => !/^\s*domain\s*(?:=|$)/i.test(attribute))].join(";");
}

function withoutPlatformCookies(value: string): string {
  if (!/velocity/i.test(value)) return value;
  return value
    .split(";")
    .filter((pair) => !PLATFORM_COOKIE.test(pair.split("=")[0]?.trim() ?? ""))
    .join(";")
    .trim();
}

function withoutFrameAncestors(policy: string): string {
  if (!/frame-ancestors/i.test(policy)) return policy;
  return policy
    .split(",")
    .map((one) =>
      one
        .split(";")
        .filter((directive) => !/^\s*frame-ancestors(?:\s|$)/i.test(directive))
        .join(";")
        .trim(),
    )
    .filter((one) => one !== "")
    .join(", ");
}
