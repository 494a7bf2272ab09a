import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type ErrorCode, VelocityError } from "@velocity/contract";
import { normalizeHost, type UpstreamFailure } from "@velocity/edge";
import { answerError } from "./answer.ts";
import { checkRequest, checkUpgrade, type RequestCheck } from "./check-request.ts";
import { FastLane } from "./fast-lane.ts";
import type { Gateway } from "./gateway-types.ts";
import type { GatewayLimits } from "./limits.ts";
import { type RequestFacts, requestFacts } from "./request-facts.ts";
import { RequestQueue } from "./request-queue.ts";

/** API and web: what is asked of hosts that are no preview. */
export interface Fallback {
  request(req: IncomingMessage, res: ServerResponse): void;
  upgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface FrontServerOptions {
  readonly gateway: Gateway;
  readonly fallback: Fallback;
  /**
   * Host names, without port, that reach the fallback besides the preview domain itself, `localhost` and IP addresses.
   * Others get 404: a name that somebody points at this machine (DNS rebinding) must not reach an API without sign-in.
   * Undefined: every name.
   */
  readonly fallbackHosts?: readonly string[];
}

/** The one listener for previews, API and web. The caller calls `listen`. */
export interface FrontServer {
  readonly server: Server;
  /** Takes no new connection, lets exchanges finish for `graceMs`, then ends the rest. */
  close(graceMs: number): Promise<void>;
}

/** Sends preview hosts to the gateway and everything else to the fallback, after the same strict checks. */
export function createFrontServer(options: FrontServerOptions): FrontServer {
  const { gateway } = options;
  const { limits } = gateway;
  const queue = new RequestQueue(limits.maxPipelined);
  /** Of the next request of a connection that the fast lane handed over. */
  const failures = new WeakMap<object, UpstreamFailure>();
  const server = createServer({
    maxHeaderSize: limits.maxHeaderBytes,
    keepAliveTimeout: limits.clientKeepAliveMs,
    headersTimeout: limits.headersTimeoutMs,
    // Uploads may take long; a silent one is ended by its idle time instead.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(5000, limits.headersTimeoutMs),
    requireHostHeader: false,
    noDelay: true,
  });
  // One more than allowed: Node drops the rest silently, and the check has to see that there was more.
  server.maxHeadersCount = limits.maxHeaderLines + 1;
  server.maxConnections = limits.maxClientConnections;

  const onRequest = (req: IncomingMessage, res: ServerResponse, expectsContinue = false) => {
    const facts = requestFacts(req);
    const check = checkRequest(requestLine(req), facts, limits);
    queue.add(req.socket, res, () => {
      if (check.kind === "refused") {
        queue.end(req.socket);
        refuse(gateway, req, res, facts, check);
      } else if (reachesFallback(options, facts.host)) {
        if (req.url !== check.target) req.url = check.target;
        if (expectsContinue) res.writeContinue();
        options.fallback.request(req, res);
      } else {
        if (check.framing !== "none") endIdleUpload(req, res, limits);
        const { target, framing } = check;
        const failure = failures.get(req.socket);
        if (failure !== undefined) failures.delete(req.socket);
        gateway.serve(
          { req, res, facts, target, framing, ...(failure === undefined ? {} : { failure }) },
          gateway.parse(facts.host),
        );
      }
    });
  };

  const onUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on("error", () => socket.destroy());
    if (queue.isBusy(req.socket)) {
      // Sent ahead of an answer that is still to come: a switch now would mix the two.
      socket.destroy();
      return;
    }
    const facts = requestFacts(req);
    const check = checkUpgrade(requestLine(req), facts, limits);
    if (check.kind === "ok" && reachesFallback(options, facts.host)) {
      req.url = check.target;
      options.fallback.upgrade(req, socket, head);
      return;
    }
    const res = new ServerResponse(req);
    res.assignSocket(req.socket);
    res.once("finish", () => socket.end());
    if (check.kind === "refused") refuse(gateway, req, res, facts, check);
    else {
      const { target, framing } = check;
      gateway.serve(
        { req, res, facts, target, framing, upgrade: { socket, head } },
        gateway.parse(facts.host),
      );
    }
  };

  const onConnect = (req: IncomingMessage, socket: Duplex) => {
    socket.on("error", () => socket.destroy());
    const res = new ServerResponse(req);
    res.assignSocket(req.socket);
    res.once("finish", () => socket.end());
    refuse(gateway, req, res, requestFacts(req), { status: 405, why: "This method is not served here." });
  };

  server.on("request", (req, res) => onRequest(req, res));
  server.on("checkContinue", (req, res) => onRequest(req, res, true));
  server.on("upgrade", onUpgrade);
  server.on("connect", onConnect);

  // Node's own listener for connections stays the one that serves them; the fast lane only looks first.
  const [serve] = server.listeners("connection");
  if (serve === undefined) throw new Error("an HTTP server without a connection listener");
  const lane = new FastLane({
    limits,
    parse: (host) => gateway.parse(host),
    route: (host, plain) => gateway.fastRoute(host, plain),
    handOver: (socket, failure) => {
      if (failure !== null) failures.set(socket, failure);
      serve.call(server, socket);
    },
  });
  server.removeAllListeners("connection");
  server.on("connection", (socket) => lane.accept(socket));
  return { server, close: (graceMs) => closeServer(server, lane, graceMs) };
}

function reachesFallback(options: FrontServerOptions, host: string): boolean {
  if (options.gateway.parse(host).kind !== "other") return false;
  if (options.fallbackHosts === undefined) return true;
  const name = normalizeHost(host) ?? "";
  return (
    name === options.gateway.domain ||
    name === "localhost" ||
    isIP(name.replace(/^\[|\]$/g, "")) !== 0 ||
    options.fallbackHosts.includes(name)
  );
}

function requestLine(req: IncomingMessage): { method: string; url: string; httpVersionMinor: number } {
  return { method: req.method ?? "", url: req.url ?? "", httpVersionMinor: req.httpVersionMinor };
}

function refuse(
  gateway: Gateway,
  req: IncomingMessage,
  res: ServerResponse,
  facts: RequestFacts,
  refusal: Pick<Extract<RequestCheck, { kind: "refused" }>, "status" | "why">,
): void {
  const code: ErrorCode =
    refusal.status === 405
      ? "method_not_allowed"
      : refusal.status === 431
        ? "headers_too_large"
        : "bad_request";
  const error = new VelocityError(code, refusal.why);
  answerError(req, res, error, { ...gateway.answering(facts), document: false, close: true });
}

/** Ends a connection whose body stopped coming. */
function endIdleUpload(
  req: IncomingMessage,
  res: ServerResponse,
  limits: Pick<GatewayLimits, "bodyIdleMs" | "clientKeepAliveMs">,
): void {
  const { socket } = req;
  const onIdle = () => socket.destroy();
  const stop = () => {
    socket.off("timeout", onIdle);
    // The same timer is Node's for kept connections, which it has set already where the answer came first.
    socket.setTimeout(res.writableFinished ? limits.clientKeepAliveMs : 0);
    req.off("end", stop);
    req.off("close", stop);
  };
  socket.setTimeout(limits.bodyIdleMs);
  socket.once("timeout", onIdle);
  req.once("end", stop);
  req.once("close", stop);
}

async function closeServer(server: Server, lane: FastLane, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  lane.close(false);
  const timer = setTimeout(() => {
    server.closeAllConnections();
    lane.close(true);
  }, graceMs);
  await closed;
  clearTimeout(timer);
}
