import { type FSWatcher, watch } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";

export const RELOAD_EVENTS = "/.velocity-static/events";
export const RELOAD_SCRIPT = "/.velocity-static/reload.js";

/** Several writes of one save are one change. */
const SETTLE_MS = 30;
const IGNORED = /(^|\/)(node_modules|\.git)(\/|$)|~$|\.sw[a-z]$|\.tmp$/;

/** Style sheets are exchanged in place; anything else reloads. A server that came back may serve something new. */
const SCRIPT = `(() => {
  let run;
  const events = new EventSource("${RELOAD_EVENTS}");
  events.addEventListener("hello", (event) => {
    if (run !== undefined && run !== event.data) location.reload();
    run = event.data;
  });
  events.addEventListener("change", (event) => {
    const paths = JSON.parse(event.data);
    const sheets = [...document.querySelectorAll('link[rel~="stylesheet"][href]')];
    const hit = (path) => sheets.filter((sheet) => {
      const url = new URL(sheet.href);
      return url.origin === location.origin && decodeURIComponent(url.pathname) === "/" + path;
    });
    if (!paths.every((path) => path.endsWith(".css") && hit(path).length > 0)) return location.reload();
    for (const path of paths) for (const sheet of hit(path)) {
      const url = new URL(sheet.href);
      url.searchParams.set("t", Date.now());
      const next = sheet.cloneNode();
      next.href = url.href;
      next.onload = () => sheet.remove();
      sheet.after(next);
    }
  });
})();
`;

/** Tells open pages about changed files, by server-sent events. */
export class LiveReload {
  readonly #clients = new Set<ServerResponse>();
  readonly #changed = new Set<string>();
  readonly #run: string;
  readonly #watcher: FSWatcher;
  #timer: NodeJS.Timeout | null = null;

  constructor(root: string, run: string) {
    this.#run = run;
    this.#watcher = watch(root, { recursive: true }, (_event, name) => {
      if (name !== null) this.#notice(name.replaceAll("\\", "/"));
    });
    // A folder that vanishes while it is being looked at; the next change is seen again.
    this.#watcher.on("error", () => {});
  }

  /** Whether the request was for the reload script or its events. */
  handle(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    if (path === RELOAD_SCRIPT) {
      response.writeHead(200, { "content-type": "text/javascript", "cache-control": "no-store" });
      response.end(SCRIPT);
      return true;
    }
    if (path !== RELOAD_EVENTS) return false;
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(`event: hello\ndata: ${this.#run}\n\n`);
    this.#clients.add(response);
    request.once("close", () => this.#clients.delete(response));
    return true;
  }

  close(): void {
    this.#watcher.close();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const client of this.#clients) client.end();
  }

  #notice(path: string): void {
    if (IGNORED.test(path)) return;
    this.#changed.add(path);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const message = `event: change\ndata: ${JSON.stringify([...this.#changed])}\n\n`;
      this.#changed.clear();
      for (const client of this.#clients) client.write(message);
    }, SETTLE_MS);
  }
}
