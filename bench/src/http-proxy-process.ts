/** Run by P6 as a process of its own: the `http-proxy` package before the same app, with keep-alive to it. */
import { Agent, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import httpProxy from "http-proxy";

const [socketPath = ""] = process.argv.slice(2);
// http-proxy hands `socketPath` of the target on to http.request, which its types do not know.
const target = { socketPath, host: "app", port: 80, protocol: "http:" };
const proxy = httpProxy.createProxyServer({ target, agent: new Agent({ keepAlive: true, maxSockets: 256 }) });
proxy.on("error", () => {});
const server = createServer((req, res) => proxy.web(req, res));
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
