import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ServerStatus } from "@velocity/contract";

/** What the page tells. `mark` changes whenever something else is to be told. */
export interface PageState {
  readonly mark: string;
  readonly status: ServerStatus;
  readonly error: { readonly code: string; readonly message: string; readonly log: readonly string[] } | null;
}

/** Answers in the dev server's place while it cannot: HTML for documents, something short for all else. */
export function createStatusServer(state: () => PageState): Server {
  const server = createServer((request, response) => {
    request.resume();
    answer(request, response, state());
  });
  server.on("upgrade", (_request, socket) => {
    socket.on("error", () => {});
    socket.end(
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    );
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  return server;
}

function answer(request: IncomingMessage, response: ServerResponse, state: PageState): void {
  const wanted = wantedType(request);
  const title = titleOf(state);
  const message = state.error?.message ?? title;
  const body =
    wanted === "html"
      ? statusHtml(state)
      : wanted === "json"
        ? JSON.stringify({
            title,
            status: statusCode(state),
            code: state.error?.code ?? "session_unavailable",
            detail: message,
          })
        : `${message}\n`;
  const type = {
    html: "text/html; charset=utf-8",
    json: "application/problem+json",
    text: "text/plain; charset=utf-8",
  }[wanted];
  response.writeHead(statusCode(state), {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "retry-after": "1",
    connection: "close",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}

function statusCode(state: PageState): number {
  return state.error === null ? 503 : 502;
}

function wantedType(request: IncomingMessage): "html" | "json" | "text" {
  const accept = request.headers.accept ?? "";
  const destination = request.headers["sec-fetch-dest"];
  const document =
    destination === undefined || ["document", "iframe", "frame", "empty"].includes(String(destination));
  if (document && accept.includes("text/html")) return "html";
  return accept.includes("json") ? "json" : "text";
}

function titleOf(state: PageState): string {
  switch (state.error?.code) {
    case "install_failed":
      return "The dependencies could not be installed";
    case "server_exited":
      return "The dev server stopped";
    case "server_not_listening":
      return "The dev server does not listen yet";
    default:
      return state.status === "installing" ? "Installing dependencies…" : "The dev server is starting…";
  }
}

function adviceOf(state: PageState): string {
  switch (state.error?.code) {
    case "install_failed":
      return "Correct package.json or the lockfile. It is tried again when a file changes.";
    case "server_exited":
      return "Correct the project. The server starts again when a file changes, and this page reloads by itself.";
    case "server_not_listening":
      return "Set the command and the port in velocity.json. This page reloads by itself when the server answers.";
    default:
      return "This page reloads by itself.";
  }
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** The page, complete in itself. Pure. */
export function statusHtml(state: PageState): string {
  const log = state.error?.log ?? [];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="velocity-status" content="${escapeHtml(state.mark)}">
<title>${escapeHtml(titleOf(state))}</title>
<noscript><meta http-equiv="refresh" content="3"></noscript>
<style>
:root{color-scheme:light dark;--back:#fafafa;--front:#18181b;--dim:#52525b;--box:#fff;--line:#e4e4e7;--mark:#b91c1c}
@media (prefers-color-scheme:dark){:root{--back:#101012;--front:#f4f4f5;--dim:#a1a1aa;--box:#18181b;--line:#303036;--mark:#f87171}}
body{margin:0;background:var(--back);color:var(--front);font:16px/1.5 system-ui,sans-serif}
main{max-width:52rem;margin:0 auto;padding:3rem 1.25rem}
h1{font-size:1.4rem;line-height:1.25;margin:0 0 .5rem}
p{margin:.25rem 0}.dim{color:var(--dim)}.code{color:var(--mark);font:600 .85rem ui-monospace,monospace}
pre{background:var(--box);border:1px solid var(--line);border-radius:.5rem;padding:1rem;margin:1.25rem 0 0;overflow:auto;max-height:60vh;font:.82rem/1.5 ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}
</style>
</head>
<body>
<main>
<div role="${state.error === null ? "status" : "alert"}">
${state.error === null ? "" : `<p class="code">${escapeHtml(state.error.code)}</p>`}
<h1>${escapeHtml(titleOf(state))}</h1>
${state.error === null ? "" : `<p>${escapeHtml(state.error.message)}</p>`}
<p class="dim">${escapeHtml(adviceOf(state))}</p>
</div>
${log.length === 0 ? "" : `<pre tabindex="0" aria-label="Last lines of the log">${escapeHtml(log.join("\n"))}</pre>`}
</main>
<script>
(function(){
var own=document.querySelector('meta[name="velocity-status"]').outerHTML,wait=700;
function look(){
if(document.hidden){setTimeout(look,1000);return}
fetch(location.href,{headers:{accept:"text/html"},cache:"no-store"}).then(function(r){return r.text().then(function(t){
if((r.status===502||r.status===503||r.status===504)&&(t.indexOf(own)>=0||t.indexOf('name="velocity-status"')<0)){setTimeout(look,wait)}
else location.reload()})}).catch(function(){setTimeout(look,1500)})}
setTimeout(look,wait)
})();
</script>
</body>
</html>
`;
}
