import type { IncomingMessage } from "node:http";
import { VelocityError } from "@velocity/contract";

/** The whole body; more than `maxBytes` is refused before it is held. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const declared = Number(request.headers["content-length"] ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes);
}

function tooLarge(maxBytes: number): VelocityError {
  return new VelocityError("payload_too_large", `The body is larger than ${maxBytes} bytes.`);
}
