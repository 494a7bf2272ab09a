import { timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  IDENTITY_PATH,
  isErrorCode,
  RESERVED_PREFIX,
  type SessionId,
  VelocityError,
} from "@velocity/contract";
import {
  type ForwardFailure,
  forwardRequest,
  type PreviewHost,
  parsePreviewHost,
  type UpstreamPool,
} from "@velocity/edge";
import { type Answering, answer, answerError, HTML } from "./answer.ts";
import type { FastRoute } from "./fast-lane.ts";
import type { CheckedRequest, Gateway, GatewayOptions, GatewayStats } from "./gateway-types.ts";
import { DEFAULT_LIMITS, type GatewayLimits } from "./limits.ts";
import { OpenSockets } from "./open-sockets.ts";
import { PageUse } from "./page-use.ts";
import type { PlainRequest } from "./plain-request.ts";
import { type RequestFacts, requestFacts } from "./request-facts.ts";
import { RouteCache } from "./route-cache.ts";
import type { LiveRoute, RouteLookup, RouteResolution } from "./route-lookup.ts";
import { STATUS_PATH, sessionStatus } from "./session-status.ts";
import { isDialFailure, merelyRefused, upstreamError } from "./upstream-error.ts";
import { Upstreams } from "./upstreams.ts";
import { waitingPage } from "./waiting-page.ts";
import { wakeIntent, wantsDocument } from "./wake-intent.ts";
import { Waker } from "./waker.ts";

const MAX_HOST_LENGTH = 300;

/** A request on its way to one session. */
interface Call extends CheckedRequest {
  readonly id: SessionId;
  readonly port: number | undefined;
  /** Resolved anew after a dial failure; there is no third try. */
  readonly again: boolean;
}

/** Builds the gateway: routes, wakes and forwards; knows sessions only through its `RouteLookup`. */
export function createGateway(options: GatewayOptions): Gateway {
  return new SessionGateway(options);
}

class SessionGateway implements Gateway {
  readonly limits: GatewayLimits;
  readonly domain: string;
  readonly #options: GatewayOptions;
  readonly #lookup: RouteLookup;
  readonly #routes: RouteCache;
  readonly #waker: Waker;
  readonly #upstreams: Upstreams;
  readonly #sockets = new OpenSockets();
  readonly #now: () => number;
  readonly #hosts = new Map<string, PreviewHost>();
  readonly #use: PageUse;
  readonly #frameAncestors: string;
  readonly #probeSecret: Buffer;
  readonly #unsubscribe: () => void;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.domain = options.domain.toLowerCase();
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#lookup = options.lookup;
    this.#now = options.now ?? (() => performance.now());
    this.#routes = new RouteCache(options.lookup, this.limits, this.#now);
    this.#waker = new Waker(options.lookup, this.#routes, this.limits, options.log, this.#now);
    this.#upstreams = new Upstreams(this.limits);
    this.#use = new PageUse((id) => options.lookup.touch(id), this.limits.maxRoutes, this.#now);
    this.#frameAncestors = ["'self'", ...options.editorOrigins].join(" ");
    this.#probeSecret = Buffer.from(options.probeSecret);
    this.#unsubscribe = options.lookup.onRouteChange((id) => this.#onRouteChange(id));
  }

  parse(host: string): PreviewHost {
    const known = this.#hosts.get(host);
    if (known !== undefined) return known;
    const parsed = parsePreviewHost(host, this.domain);
    // Forgetting all now and then is bound enough: reading a name again is cheap.
    if (this.#hosts.size >= this.limits.maxRoutes) this.#hosts.clear();
    if (host.length <= MAX_HOST_LENGTH) this.#hosts.set(host, parsed);
    return parsed;
  }

  answering(facts: RequestFacts): Answering {
    return {
      document: wantsDocument(facts),
      frameAncestors: this.#frameAncestors,
      lingerMs: this.limits.lingerMs,
    };
  }

  openSockets(id: SessionId): number {
    return this.#sockets.count(id);
  }

  stats(): GatewayStats {
    return {
      routes: this.#routes.size,
      upstreamPools: this.#upstreams.pools,
      upstreamConnections: this.#upstreams.connections,
      openSockets: this.#sockets.total,
      waking: this.#waker.size,
    };
  }

  close(): void {
    this.#unsubscribe();
    this.#waker.close();
    this.#sockets.close();
    this.#upstreams.close();
  }

  serve(request: CheckedRequest, host: PreviewHost): void {
    if (host.kind !== "session") {
      this.#refuse(request, notFound());
      return;
    }
    const call: Call = { ...request, id: host.id, port: host.port, again: false };
    if (request.failure !== undefined) {
      this.#fail(call, { kind: "failed", failure: request.failure });
      return;
    }
    const probeGeneration = this.#probeGeneration(request.facts.probe);
    if (probeGeneration !== null) void this.#guard(call, this.#probe(call, probeGeneration));
    else if (call.target.startsWith(RESERVED_PREFIX)) void this.#guard(call, this.#reserved(call));
    else this.#route(call);
  }

  fastRoute(host: PreviewHost, request: PlainRequest): FastRoute | null {
    if (host.kind !== "session" || request.target.startsWith(RESERVED_PREFIX)) return null;
    const route = this.#routes.peek(host.id);
    if (route?.kind !== "live" || route.visibility !== "public") return null;
    const { id, port } = host;
    const endpoint = () => (port === undefined ? route.app : route.port(port));
    return {
      pool: this.#upstreams.pool(id, route.generation, port ?? "app", endpoint),
      frameAncestors: this.#frameAncestors,
      proto: this.#options.publicProtocol ?? "http",
      used: () => this.#use.note(id, request.method, request.target, () => requestFacts(request)),
    };
  }

  #route(call: Call): void {
    const route = this.#routes.peek(call.id);
    if (route?.kind === "live") this.#dispatch(call, route);
    else void this.#guard(call, this.#resolve(call));
  }

  async #resolve(call: Call): Promise<void> {
    this.#dispatch(call, await this.#routes.get(call.id));
  }

  #dispatch(call: Call, route: RouteResolution): void {
    // Until there are tickets nobody may see a private preview: denied like a missing one, and nothing wakes.
    if (route.kind === "missing" || ("visibility" in route && route.visibility === "private")) {
      this.#refuse(call, notFound());
      return;
    }
    switch (route.kind) {
      case "live":
        this.#forward(call, route);
        return;
      case "failed":
        this.#refuse(
          call,
          new VelocityError(isErrorCode(route.code) ? route.code : "start_failed", route.message),
        );
        return;
      default:
        void this.#guard(call, this.#awaken(call, route.kind === "asleep" ? "waking" : "starting"));
    }
  }

  async #awaken(call: Call, kind: "waking" | "starting"): Promise<void> {
    const intent = wakeIntent(
      { method: call.req.method ?? "GET", target: call.target, upgrade: call.upgrade !== undefined },
      call.facts,
    );
    if (intent === "background") {
      this.#refuse(call, unavailable("This preview is asleep.", 2000));
      return;
    }
    const failure = this.#waker.failure(call.id);
    if (intent === "use" && failure !== null && this.#now() - failure.at < this.limits.wakeBackoffMs) {
      this.#refuse(call, failure.error);
      return;
    }
    const left = new AbortController();
    const onClose = () => left.abort();
    call.res.once("close", onClose);
    const holdMs = intent === "navigation" ? this.limits.navigationHoldMs : this.limits.requestHoldMs;
    const outcome = await this.#waker.wait(call.id, holdMs, left.signal);
    call.res.off("close", onClose);
    if (left.signal.aborted) return;
    switch (outcome.kind) {
      case "settled":
        if (
          outcome.route.kind === "live" ||
          outcome.route.kind === "failed" ||
          outcome.route.kind === "missing"
        ) {
          this.#dispatch(call, outcome.route);
        } else this.#refuse(call, unavailable("This preview is asleep.", 1000));
        return;
      case "failed":
        this.#refuse(call, outcome.error);
        return;
      case "full":
        this.#refuse(call, new VelocityError("no_capacity", "Too many requests wait for this preview."));
        return;
      case "held":
        if (intent === "navigation") this.#wait(call, kind);
        else this.#refuse(call, unavailable("This preview is still starting.", 2000));
    }
  }

  #wait(call: Call, kind: "waking" | "starting"): void {
    const headers = { "retry-after": "1", "x-velocity-error": "session_unavailable" };
    answer(call.req, call.res, 503, HTML, waitingPage(kind), headers, this.answering(call.facts));
  }

  #forward(call: Call, route: LiveRoute): void {
    const { id, port, upgrade } = call;
    if (upgrade !== undefined && this.#sockets.count(id) >= this.limits.maxSocketsPerSession) {
      this.#refuse(call, new VelocityError("no_capacity", "Too many connections to this preview are open."));
      return;
    }
    if (upgrade === undefined) this.#use.note(id, call.req.method ?? "GET", call.target, () => call.facts);
    const endpoint = () => (port === undefined ? route.app : route.port(port));
    // Handshakes wait in a pool of their own: their deadline is another one.
    const use = upgrade === undefined ? (port ?? "app") : `handshake ${port ?? "app"}`;
    const pool = this.#upstreams.pool(id, route.generation, use, endpoint);
    this.#send(call, pool, route.generation, call.target, (failure) => {
      if (isDialFailure(failure) && !call.again && !merelyRefused(endpoint().kind, failure)) {
        // The container may have been replaced without our hearing of it: ask once more, then believe it.
        if (this.#routes.peek(id) === route) this.#routes.forget(id);
        void this.#guard(call, this.#resolve({ ...call, again: true }));
      } else this.#fail(call, failure);
    });
  }

  #send(
    call: Call,
    pool: UpstreamPool,
    generation: number,
    target: string,
    onFailure: (failure: ForwardFailure) => void,
  ): void {
    const { req, res, upgrade } = call;
    if (res.destroyed) return;
    const forward = {
      target,
      framing: call.framing,
      forwarded: {
        for: req.socket.remoteAddress ?? "unknown",
        host: call.facts.host,
        proto: this.#options.publicProtocol ?? "http",
      },
      frameAncestors: this.#frameAncestors,
      lingerMs: this.limits.lingerMs,
    };
    if (upgrade === undefined) {
      forwardRequest(req, res, pool, forward, onFailure);
      return;
    }
    const onSwitched = (client: Duplex, upstream: Socket) => {
      res.detachSocket(req.socket);
      this.#sockets.open(call.id, generation, client, upstream, this.limits.halfOpenMs);
    };
    forwardRequest(req, res, pool, { ...forward, upgrade: { ...upgrade, onSwitched } }, onFailure);
  }

  async #reserved(call: Call): Promise<void> {
    const path = call.target.split("?", 1)[0];
    const readable = call.req.method === "GET" || call.req.method === "HEAD";
    if (path !== STATUS_PATH || !readable || call.upgrade !== undefined) {
      this.#refuse(call, notFound());
      return;
    }
    const route = await this.#routes.get(call.id);
    if (route.kind === "missing" || ("visibility" in route && route.visibility === "private")) {
      this.#refuse(call, notFound());
      return;
    }
    const status = sessionStatus(route, this.#waker.isWaking(call.id), this.#waker.failure(call.id));
    answer(
      call.req,
      call.res,
      200,
      "application/json",
      JSON.stringify(status),
      {},
      this.answering(call.facts),
    );
  }

  /** The orchestrator's own question, to a generation that is perhaps not published yet: never from the cache. */
  async #probe(call: Call, generation: number): Promise<void> {
    const route = await this.#lookup.resolve(call.id, { probeGeneration: generation });
    if (route.kind !== "live" || route.generation !== generation) {
      this.#refuse(call, unavailable("This generation has no route.", 1000));
      return;
    }
    const path = call.target.split("?", 1)[0] ?? "";
    if (path === IDENTITY_PATH) {
      const pool = this.#upstreams.loose(route.control, "control");
      this.#send(call, pool, generation, "/identity", (failure) => this.#fail(call, failure));
    } else if (path.startsWith(RESERVED_PREFIX)) this.#refuse(call, notFound());
    else {
      const endpoint = call.port === undefined ? route.app : route.port(call.port);
      const pool = this.#upstreams.loose(endpoint, "app");
      this.#send(call, pool, generation, call.target, (failure) => this.#fail(call, failure));
    }
  }

  #probeGeneration(header: string | null): number | null {
    const match = header === null ? null : /^([0-9]{1,15}) (.+)$/.exec(header);
    if (match?.[2] === undefined) return null;
    const secret = Buffer.from(match[2], "latin1");
    if (secret.length !== this.#probeSecret.length || !timingSafeEqual(secret, this.#probeSecret))
      return null;
    return Number(match[1]);
  }

  #onRouteChange(id: SessionId): void {
    this.#routes.forget(id);
    this.#waker.notice(id);
    if (!this.#upstreams.has(id) && this.#sockets.count(id) === 0) return;
    this.#routes.get(id).then(
      (route) => this.#settleConnections(id, route),
      // Uncertainty ends nothing: the next change or dial decides.
      (error: unknown) =>
        this.#options.log.warn({ sessionId: id, err: error }, "route unknown after a change"),
    );
  }

  #settleConnections(id: SessionId, route: RouteResolution): void {
    switch (route.kind) {
      case "live":
        this.#upstreams.keepOnly(id, route.generation);
        if (route.visibility === "private") this.#sockets.closeAll(id);
        else this.#sockets.closeOlder(id, route.generation);
        return;
      case "starting":
        return;
      case "asleep":
        // Frozen processes keep their sockets, so that a page does not reload when they thaw.
        if (route.level === "frozen" && route.visibility === "public") return;
        break;
    }
    this.#upstreams.drop(id, "destroy");
    this.#sockets.closeAll(id);
  }

  #fail(call: Call, failure: ForwardFailure): void {
    const error = upstreamError(failure);
    this.#options.log.debug({ sessionId: call.id, code: error.code, err: error.cause }, "upstream failed");
    this.#refuse(call, error);
  }

  #refuse(request: CheckedRequest, error: VelocityError): void {
    answerError(request.req, request.res, error, {
      ...this.answering(request.facts),
      close: request.upgrade !== undefined,
    });
  }

  async #guard(call: Call, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (cause) {
      const known = cause instanceof VelocityError;
      if (!known) this.#options.log.error({ sessionId: call.id, err: cause }, "request failed");
      this.#refuse(
        call,
        known ? cause : new VelocityError("internal", "Something went wrong on our side.", { cause }),
      );
    }
  }
}

function notFound(): VelocityError {
  return new VelocityError("not_found", "There is no preview at this address.");
}

function unavailable(message: string, retryAfterMs: number): VelocityError {
  return new VelocityError("session_unavailable", message, { retryAfterMs });
}
