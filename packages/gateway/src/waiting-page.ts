import { pageShell, scriptJson } from "./page-shell.ts";
import { STATUS_PATH } from "./session-status.ts";

/** What a phase of a start is called on the page. */
const PHASES: Readonly<Record<string, string>> = {
  queued: "Waiting for its turn",
  project: "Loading the project",
  container: "Starting the container",
  files: "Writing the files",
  dependencies: "Installing dependencies",
  server: "Starting the dev server",
  probe: "Checking the preview",
  publish: "Almost there",
  suspend: "Saving the session",
  destroy: "Cleaning up",
};

const SCRIPT = `(function(){
var names=${scriptJson(PHASES)},path=${scriptJson(STATUS_PATH)},began=Date.now(),wait=250,timer,looked=0;
var $=function(id){return document.getElementById(id)};
function clock(){$("time").textContent=Math.floor((Date.now()-began)/1000)+" s"}
var ticking=setInterval(clock,1000);
function failed(s){clearInterval(ticking);$("busy").hidden=true;$("failed").hidden=false;$("title").textContent="This preview could not be started";
$("message").textContent=s.message||"";$("code").textContent=s.code||"";document.title="Preview could not be started";$("again").focus()}
function next(){timer=setTimeout(look,wait);wait=Math.min(wait*1.4,3000)}
function look(){fetch(path,{cache:"no-store",headers:{accept:"application/json"}}).then(function(r){return r.json()}).then(function(s){
if(s.state==="live"){location.reload();return}
if(s.state==="failed"||s.state==="missing"){failed(s);return}
if(s.state==="asleep"&&++looked>20){location.reload();return}
var text=s.phase&&names[s.phase];if(text&&$("phase").textContent!==text){$("phase").textContent=text;wait=250}next()},next)}
$("again").onclick=function(){location.reload()};
document.addEventListener("visibilitychange",function(){if(!document.hidden&&$("failed").hidden){clearTimeout(timer);wait=250;look()}});
next()})();`;

/** Shown while a session wakes or starts: asks for its status, and turns into the app by itself. */
export function waitingPage(kind: "waking" | "starting"): string {
  const title = kind === "waking" ? "Waking the preview…" : "Starting the preview…";
  return pageShell({
    title,
    body: `<h1 id="title">${title}</h1>
<div id="busy"><div class="bar"><i></i></div><p role="status" aria-live="polite"><span id="phase">${
      kind === "waking" ? "It was asleep and keeps its state" : "This takes a few seconds"
    }</span></p><p aria-hidden="true" id="time">0 s</p><noscript><p>Reload this page in a few seconds.</p></noscript></div>
<div id="failed" role="alert" hidden><p id="message"></p><p><code id="code"></code></p><button id="again" type="button">Try again</button></div>`,
    script: SCRIPT,
  });
}
