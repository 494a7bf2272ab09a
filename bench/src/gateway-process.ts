/** Run by P6 and P7 as a process of its own: the gateway before one app, as the server builds it. */
import type { AddressInfo } from "node:net";
import { containerIdSchema, sessionIdSchema } from "@velocity/contract";
import { createFrontServer, createGateway, type RouteLookup, type RouteResolution } from "@velocity/gateway";

const [socketPath = "", session = ""] = process.argv.slice(2);
const id = sessionIdSchema.parse(session);
const app = { kind: "unix", path: socketPath } as const;
const route: RouteResolution = {
  kind: "live",
  containerId: containerIdSchema.parse(session),
  generation: 1,
  app,
  control: app,
  visibility: "public",
  port: () => app,
};
const lookup: RouteLookup = {
  resolve: async (asked) => (asked === id ? route : { kind: "missing" }),
  wake: async () => {},
  touch: () => {},
  onRouteChange: () => () => {},
};
const gateway = createGateway({
  domain: "velocity.localhost",
  lookup,
  probeSecret: "none",
  editorOrigins: ["http://velocity.localhost:4400"],
  log: { debug() {}, info() {}, warn() {}, error() {} },
});
const front = createFrontServer({
  gateway,
  fallback: { request: (_req, res) => res.end(), upgrade: (_req, socket) => socket.destroy() },
});
front.server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(front.server.address() as AddressInfo).port}\n`);
});
