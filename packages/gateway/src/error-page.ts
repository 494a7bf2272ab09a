import { ERRORS, type VelocityError } from "@velocity/contract";
import { escapeHtml, pageShell } from "./page-shell.ts";

/** Tries the same address again in the background, and loads it once it stops being an answer of ours. */
const RETRY = `(function(){var wait=1000;function look(){fetch(location.href,{method:"HEAD",cache:"no-store"}).then(function(r){
if(r.headers.get("x-velocity-error")===null)location.reload();else next()},next)}
function next(){setTimeout(look,wait);wait=Math.min(wait*1.6,15000)}next()})();`;
const BUTTON = `document.getElementById("again").onclick=function(){location.reload()};`;

/** A friendly page for a person; the same facts as the problem document of a machine. */
export function errorPage(error: VelocityError, requestId: string): string {
  const row = ERRORS[error.code];
  const again = row.status >= 500;
  return pageShell({
    title: row.title,
    body: `<h1>${escapeHtml(row.title)}</h1><p>${escapeHtml(error.publicMessage)}</p><p>${escapeHtml(row.advice)}</p>
<p><code>${escapeHtml(error.code)} · ${escapeHtml(requestId)}</code></p>${again ? '<button id="again" type="button">Try again</button>' : ""}`,
    script: again ? BUTTON + (row.status === 503 ? RETRY : "") : "",
  });
}
