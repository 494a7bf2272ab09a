import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { SessionId } from "@velocity/contract";
import type { PreviewHost, RequestFraming, UpstreamFailure } from "@velocity/edge";
import type { Answering } from "./answer.ts";
import type { FastRoute } from "./fast-lane.ts";
import type { GatewayLimits } from "./limits.ts";
import type { PlainRequest } from "./plain-request.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { Log, RouteLookup } from "./route-lookup.ts";

export interface GatewayOptions {
  /** Sessions live at `<id>.<domain>`. */
  readonly domain: string;
  /** How people reach previews, as told to the app. */
  readonly publicProtocol?: "http" | "https";
  readonly lookup: RouteLookup;
  /** Proves that a probe comes from this process. */
  readonly probeSecret: string;
  /** Who may frame previews. */
  readonly editorOrigins: readonly string[];
  readonly log: Log;
  readonly limits?: Partial<GatewayLimits>;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

/** A request that passed the strict checks, with what they found. */
export interface CheckedRequest {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly facts: RequestFacts;
  readonly target: string;
  readonly framing: RequestFraming;
  /** It was already sent, and this came of it: answered, not sent again. */
  readonly failure?: UpstreamFailure;
  /** Set for a WebSocket handshake; `res` then writes to its socket. */
  readonly upgrade?: { readonly socket: Duplex; readonly head: Buffer };
}

/** What the gateway holds right now; all of it returns to zero when traffic stops. */
export interface GatewayStats {
  readonly routes: number;
  readonly upstreamPools: number;
  readonly upstreamConnections: number;
  readonly openSockets: number;
  readonly waking: number;
}

export interface Gateway {
  readonly limits: GatewayLimits;
  readonly domain: string;
  parse(host: string): PreviewHost;
  /** Answers a request to a host that `parse` did not call `other`. */
  serve(request: CheckedRequest, host: PreviewHost): void;
  /** The route of a plain request that needs no waiting, waking or refusing; null: it needs the full path. */
  fastRoute(host: PreviewHost, request: PlainRequest): FastRoute | null;
  /** How errors before routing are answered. */
  answering(facts: RequestFacts): Answering;
  /** WebSockets of a session that are open now. */
  openSockets(id: SessionId): number;
  stats(): GatewayStats;
  /** Ends every connection to containers and every open WebSocket. */
  close(): void;
}
