import { createServer } from "node:http";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { LiveReload } from "./live-reload.ts";
import { createStaticHandler } from "./static-handler.ts";

/** Entry of the static server, bundled into one file: `static-server.mjs --port 8080 --host 127.0.0.1 --root site`. */
const { values } = parseArgs({
  options: {
    port: { type: "string", default: "8080" },
    host: { type: "string", default: "127.0.0.1" },
    root: { type: "string", default: "." },
  },
});
const root = resolve(values.root);
const reload = new LiveReload(root, `${process.pid}-${Date.now()}`);
const server = createServer(createStaticHandler(root, reload));
server.listen(Number(values.port), values.host, () => {
  process.stdout.write(`Serving files on http://${values.host}:${values.port}\n`);
});
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    reload.close();
    server.close();
    server.closeAllConnections();
  });
}
