import type { IncomingMessage } from "node:http";
import { VelocityError } from "@velocity/contract";
import { transportError } from "./agent-request.ts";

const MAX_LINE_BYTES = 1024 * 1024;
const NEWLINE = 0x0a;

/** The lines of an ndjson body as values. Ends where the body ends whole, and throws where the connection is lost. */
export async function* readNdjson(response: IncomingMessage): AsyncGenerator<unknown, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of response) {
      if (!Buffer.isBuffer(chunk)) continue;
      let rest: Buffer = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
        if (end > 0) yield parse(rest.subarray(0, end));
        rest = rest.subarray(end + 1);
      }
      if (rest.length > MAX_LINE_BYTES) {
        throw new VelocityError("upstream_invalid", "The container's agent sent a line without an end.");
      }
      pending = rest;
    }
  } catch (error) {
    throw transportError(error);
  } finally {
    response.destroy();
  }
}

function parse(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString("utf8"));
  } catch (cause) {
    throw new VelocityError("upstream_invalid", "The container's agent sent an invalid line.", { cause });
  }
}
