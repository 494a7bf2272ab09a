import { request } from "node:http";
import type { Endpoint } from "@velocity/contract";
import { connectEndpoint } from "@velocity/edge";

/** A page with more scripts than this is warm enough. */
const MAX_SCRIPTS = 8;
const MAX_PAGE_BYTES = 256 * 1024;

/**
 * Opens a page the way a browser would begin to: the document, then the scripts it names. A dev server does its slow first
 * work (transforms, bundles, compiled routes) for these, before anyone waits for it. Whatever it answers is fine; throws
 * only where the page itself gets no answer.
 */
export async function warmApp(app: Endpoint, path: string, signal: AbortSignal): Promise<void> {
  const page = await get(app, path, signal);
  const scripts = scriptsOf(page).slice(0, MAX_SCRIPTS);
  await Promise.allSettled(scripts.map((script) => get(app, script, signal)));
}

/** Paths on the same server, as the document's script elements name them. */
export function scriptsOf(page: string): string[] {
  const sources = [...page.matchAll(/<script\b[^>]*?\ssrc\s*=\s*["']?([^"'\s>]+)/gi)].map(
    (match) => match[1] ?? "",
  );
  return sources.filter((source) => source.startsWith("/") && !source.startsWith("//")).map(decodeEntities);
}

function decodeEntities(text: string): string {
  return text.replaceAll("&amp;", "&");
}

function get(app: Endpoint, path: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        path,
        signal,
        headers: { host: "localhost", accept: "text/html,*/*" },
        createConnection: () => connectEndpoint(app),
      },
      (answer) => {
        const pieces: Buffer[] = [];
        let kept = 0;
        answer.on("data", (piece: Buffer) => {
          if (kept < MAX_PAGE_BYTES) pieces.push(piece);
          kept += piece.length;
        });
        answer.on("end", () => resolve(Buffer.concat(pieces).toString("utf8")));
        answer.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}
