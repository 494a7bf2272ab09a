import type { ServerResponse } from "node:http";
import type { AgentEvent } from "@velocity/contract";
import type { EventLog } from "../log/event-log.ts";

/** A reader that is further behind than this is dropped: it can come back with `since`. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

export interface StreamOptions {
  readonly since: number;
  readonly follow: boolean;
  /** The line for an event; null leaves it out. */
  readonly format: (event: AgentEvent) => object | null;
}

/** Writes the backlog and then, if wanted, every new event as ndjson, until the reader leaves or falls too far behind. */
export function streamEvents(events: EventLog, response: ServerResponse, options: StreamOptions): void {
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  response.flushHeaders();
  const write = (event: AgentEvent): void => {
    const line = options.format(event);
    if (line === null || response.destroyed) return;
    response.write(`${JSON.stringify(line)}\n`);
    if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
  };
  if (!options.follow) {
    for (const event of events.backlog(options.since)) write(event);
    response.end();
    return;
  }
  // Many lines of one burst leave in one write.
  let corked = false;
  const stop = events.listen(options.since, (event) => {
    if (!corked && !response.destroyed) {
      corked = true;
      response.cork();
      setImmediate(() => {
        corked = false;
        response.uncork();
      });
    }
    write(event);
  });
  response.once("close", stop);
}
