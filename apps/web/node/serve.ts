import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";
import { matchRoute } from "../src/routes.ts";

export interface ServeWebOptions {
  /** Previews live one label below: `velocity.localhost`. */
  readonly previewDomain: string;
  /** Where this server listens. */
  readonly port: number;
  /** What people type, where a proxy stands in front: previews then have its scheme and port. */
  readonly publicUrl?: string;
}

/** Answers GET and HEAD for the pages and their assets; 404 for anything else, 405 for other methods. */
export type WebHandler = (request: Request) => Response;

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".map": "application/json",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};

interface Asset {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly type: string;
  readonly etag: string;
  readonly immutable: boolean;
}

/**
 * Serves a build from memory. It is a few hundred kilobytes, and what is looked up in a table of known names cannot
 * be talked into leaving its folder.
 * @throws Error when the folder has no `index.html`
 */
export function serveWeb(dir: string, options: ServeWebOptions): WebHandler {
  const assets = readAssets(dir);
  const index = assets.get("/index.html");
  if (index === undefined) throw new Error("the web build has no index.html");
  const pageHeaders = { ...SECURITY, "content-security-policy": contentSecurityPolicy(options) };

  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return new Response(null, { status: 405, headers: { ...SECURITY, allow: "GET, HEAD" } });
    }
    const { pathname } = new URL(request.url);
    const asset = pathname === "/index.html" ? undefined : assets.get(pathname);
    if (asset !== undefined) return answer(request, asset, 200, SECURITY);
    const known = matchRoute(pathname).kind !== "not-found";
    if (!known && !wantsPage(request, pathname)) {
      return new Response("Not found\n", {
        status: 404,
        headers: { ...SECURITY, "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" },
      });
    }
    return answer(request, index, known ? 200 : 404, pageHeaders);
  };
}

const SECURITY = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
};

/** Our pages run only our own files; frames are previews and nothing else; nobody frames us. */
export function contentSecurityPolicy(options: ServeWebOptions): string {
  const frames = new Set([`http://*.${options.previewDomain}:${options.port}`]);
  if (options.publicUrl !== undefined) {
    const { protocol, port } = new URL(options.publicUrl);
    frames.add(`${protocol}//*.${options.previewDomain}${port === "" ? "" : `:${port}`}`);
  }
  return [
    "default-src 'self'",
    "base-uri 'none'",
    "object-src 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    `frame-src ${[...frames].join(" ")}`,
  ].join("; ");
}

function answer(
  request: Request,
  asset: Asset,
  status: number,
  extra: Readonly<Record<string, string>>,
): Response {
  const headers = {
    ...extra,
    "content-type": asset.type,
    "cache-control": asset.immutable ? "public, max-age=31536000, immutable" : "no-cache",
    etag: asset.etag,
  };
  if (status === 200 && matchesEtag(request.headers.get("if-none-match"), asset.etag)) {
    return new Response(null, { status: 304, headers });
  }
  const length = { "content-length": String(asset.body.byteLength) };
  return new Response(request.method === "HEAD" ? null : asset.body, {
    status,
    headers: { ...headers, ...length },
  });
}

function matchesEtag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.trim() === "*" || header.split(",").some((one) => one.trim().replace(/^W\//, "") === etag);
}

/** A navigation gets our own "not found" page; a missing script gets a plain answer. */
function wantsPage(request: Request, pathname: string): boolean {
  const wantsHtml = (request.headers.get("accept") ?? "").includes("text/html");
  return wantsHtml && !pathname.startsWith("/assets/") && !pathname.startsWith("/api/");
}

function readAssets(dir: string): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = `/${relative(dir, path).split(sep).join("/")}`;
    const body = new Uint8Array(readFileSync(path));
    assets.set(name, {
      body,
      type: TYPES[extname(path)] ?? "application/octet-stream",
      etag: `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`,
      // Vite puts everything it names by content hash there.
      immutable: name.startsWith("/assets/"),
    });
  }
  return assets;
}
