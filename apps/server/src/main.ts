/** Where the server begins: reads the environment and the arguments, starts everything, owns the way out. */
import { resolve } from "node:path";
import { createLinkedFiles } from "@velocity/workspace";
import { readArguments, USAGE } from "./arguments.ts";
import { readConfig } from "./config/read-config.ts";
import { createLog } from "./log.ts";
import { previewDirectory } from "./preview-directory.ts";
import { printBanner, printFailure } from "./print.ts";
import { type Server, startServer } from "./start-server.ts";

const cwd = process.env.VELOCITY_CWD ?? process.cwd();
const args = readArguments(process.argv.slice(2));
if (args.kind === "help") {
  process.stdout.write(USAGE);
  process.exit(0);
}
if (args.kind === "wrong") {
  process.stderr.write(`${args.message}\n\n${USAGE}`);
  process.exit(2);
}

let server: Server | null = null;
let leavingSince: number | null = null;
/** Ctrl-C under npm arrives twice: from the terminal, and passed on by npm. That is one wish. */
const SAME_WISH_MS = 1000;

/** Ctrl-C hibernates everything; SIGTERM leaves containers to the next server; a second signal does not wait. */
function leave(signal: "SIGINT" | "SIGTERM"): void {
  if (leavingSince !== null) {
    if (performance.now() - leavingSince > SAME_WISH_MS) process.exit(signal === "SIGINT" ? 130 : 143);
    return;
  }
  leavingSince = performance.now();
  if (signal === "SIGINT")
    process.stderr.write("\nStopping: sessions are put to sleep, the next start wakes them.\n");
  const done = server?.close(signal === "SIGINT" ? "hibernate" : "leave") ?? Promise.resolve();
  done.then(
    () => process.exit(0),
    (error: unknown) => {
      printFailure(error);
      process.exit(1);
    },
  );
}
process.on("SIGINT", () => leave("SIGINT"));
process.on("SIGTERM", () => leave("SIGTERM"));

try {
  const config = readConfig(process.env, cwd);
  // Before anything starts: a wrong path is the likeliest mistake, and needs no server to be told.
  const directory =
    args.directory === null ? null : await createLinkedFiles().check(resolve(cwd, args.directory));
  const log = createLog(config.logLevel, process.stdout.isTTY === true);
  server = await startServer(config, log, (line) => process.stderr.write(`${line}\n`));
  printBanner(server, process.stdout);
  if (directory !== null) await previewDirectory(server, directory, process.stdout);
} catch (error) {
  if (leavingSince === null) {
    printFailure(error);
    await server?.close("hibernate");
    process.exit(1);
  }
}
