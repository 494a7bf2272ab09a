import type { Writable } from "node:stream";
import { ERRORS, VelocityError } from "@velocity/contract";
import type { Server } from "./start-server.ts";

/** What a person sees when the server is up. */
export function printBanner(server: Server, out: Writable): void {
  const lines = [
    "",
    `  Velocity ${server.version} ready in ${(server.startMs / 1000).toFixed(1)} s`,
    "",
    `  Pages  ${server.publicUrl}`,
    `  Demo   ${server.publicUrl}/demo/container-preview`,
    "",
    ...server.notes.map((note) => `  ! ${note}`),
    ...(server.notes.length > 0 ? [""] : []),
    "  Ctrl-C stops everything.",
    "",
    "",
  ];
  out.write(lines.join("\n"));
}

/** One plain sentence with what to do next; the stack only where it is our own fault. */
export function printFailure(error: unknown): void {
  if (error instanceof VelocityError) {
    process.stderr.write(`\n${error.publicMessage}\n${ERRORS[error.code].advice}\n`);
    return;
  }
  process.stderr.write(
    `\nVelocity could not go on.\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
}
