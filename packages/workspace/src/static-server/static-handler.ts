import { readdir, readFile, stat } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import sirv from "sirv";
import { type LiveReload, RELOAD_SCRIPT } from "./live-reload.ts";

/**
 * Serves a folder as a plain web server would, byte for byte, but for one script at the end of each page. `/about` finds
 * `about.html`, folders their `index.html`, and what is missing `404.html`.
 */
export function createStaticHandler(
  root: string,
  reload: LiveReload,
): (request: IncomingMessage, response: ServerResponse) => void {
  // `dev`: files are looked up at each request.
  const files = sirv(root, { dev: true, etag: true, dotfiles: true, extensions: [] });
  return (request, response) => {
    answer(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(500, { "content-type": "text/plain" });
      response.end("The file cannot be read.\n");
    });
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [rawPath = "/", query] = (request.url ?? "/").split("?", 2);
    const path = decoded(rawPath);
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { allow: "GET, HEAD" }).end();
      return;
    }
    if (path === null) {
      response.writeHead(400).end();
      return;
    }
    if (reload.handle(path, request, response)) return;
    if (isHidden(path)) return missing(path, request, response);
    const page = await findPage(root, path);
    if (page.kind === "file") return sendPage(join(root, page.path), 200, request, response);
    if (page.kind === "folder") {
      // One slash only: `//host/` would lead away.
      const location = `/${rawPath.replace(/^\/+/, "")}/${query === undefined ? "" : `?${query}`}`;
      response.writeHead(302, { location }).end();
      return;
    }
    response.setHeader("cache-control", "no-cache");
    files(request, response, () => {
      missing(path, request, response).catch(() => response.end());
    });
  }

  async function missing(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await isFile(join(root, "404.html"))) return sendPage(join(root, "404.html"), 404, request, response);
    const wantsPage = request.headers.accept?.includes("text/html") === true;
    if (!wantsPage) {
      response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("Not found\n");
      return;
    }
    const body = Buffer.from(path.endsWith("/") ? await listing(path) : notFound(path));
    sendHtml(body, path === "/" ? 200 : 404, request, response);
  }

  async function listing(path: string): Promise<string> {
    const entries = await readdir(join(root, path), { withFileTypes: true }).catch(() => null);
    if (entries === null) return notFound(path);
    const links = entries
      .filter((entry) => !entry.name.startsWith(".") && entry.name !== "node_modules")
      .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
      .sort()
      .map((name) => `<li><a href="${encodeURI(name)}">${escaped(name)}</a></li>`);
    return pageOf(`Files in ${escaped(path)}`, `<ul>${links.join("")}</ul>`);
  }
}

type Found =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "folder" }
  | { readonly kind: "other" };

/** `.env` and the like are not for readers, and `..` leads out. */
function isHidden(path: string): boolean {
  return path.split("/").some((segment) => segment.startsWith(".") && segment !== ".well-known");
}

/** The page that a path means; `other`: not a page. */
async function findPage(root: string, path: string): Promise<Found> {
  if (path.endsWith("/")) return pageAt(root, `${path}index.html`);
  if (/\.html?$/.test(path)) return pageAt(root, path);
  if (await isFile(join(root, path))) return { kind: "other" };
  const page = await pageAt(root, `${path}.html`);
  if (page.kind === "file") return page;
  return (await isFile(join(root, path, "index.html"))) ? { kind: "folder" } : { kind: "other" };
}

async function pageAt(root: string, path: string): Promise<Found> {
  return (await isFile(join(root, path))) ? { kind: "file", path } : { kind: "other" };
}

async function sendPage(
  file: string,
  status: number,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  sendHtml(await readFile(file), status, request, response);
}

function sendHtml(body: Buffer, status: number, request: IncomingMessage, response: ServerResponse): void {
  // UTF-16 is not ASCII-compatible: such a page goes out as it is.
  const wide = (body[0] === 0xff && body[1] === 0xfe) || (body[0] === 0xfe && body[1] === 0xff);
  const script = Buffer.from(wide ? "" : `<script src="${RELOAD_SCRIPT}"></script>\n`);
  response.writeHead(status, {
    // Without a charset: the page's own <meta> decides, as on any server.
    "content-type": "text/html",
    "content-length": body.length + script.length,
    "cache-control": "no-cache",
  });
  if (request.method === "HEAD") response.end();
  else response.end(Buffer.concat([body, script]));
}

function decoded(path: string): string | null {
  try {
    const text = decodeURIComponent(path);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
}

function notFound(path: string): string {
  return pageOf("Not found", `<p>There is no <code>${escaped(path)}</code> in this project.</p>`);
}

function pageOf(title: string, content: string): string {
  return `<!doctype html><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>${title}</title><style>body{font:16px/1.5 system-ui;margin:3rem}</style><h1>${title}</h1>${content}`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
