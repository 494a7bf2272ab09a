/** Every bound of the gateway. Times in milliseconds. */
export interface GatewayLimits {
  /** Header lines of a request; more are answered 431. */
  readonly maxHeaderLines: number;
  readonly maxHeaderBytes: number;
  /** Client connections at the same time. */
  readonly maxClientConnections: number;
  /** Requests that one connection may send ahead of their answers. */
  readonly maxPipelined: number;
  /** A client must have sent its head within this. */
  readonly headersTimeoutMs: number;
  /** A client connection without any byte while a body is on its way. */
  readonly bodyIdleMs: number;
  readonly clientKeepAliveMs: number;
  /** After an early answer, how long a client may go on sending. */
  readonly lingerMs: number;
  readonly dialTimeoutMs: number;
  /** Until the first byte of an answer; long, because a dev server compiles on its first request. */
  readonly firstByteTimeoutMs: number;
  /** A WebSocket handshake compiles nothing, and a dev server that does not like it stays silent for ever. */
  readonly handshakeTimeoutMs: number;
  readonly upstreamIdleMs: number;
  /** Connections to one endpoint of one generation. */
  readonly maxUpstreamConnections: number;
  readonly maxUpstreamWaiting: number;
  /** Open WebSockets of one session. */
  readonly maxSocketsPerSession: number;
  readonly halfOpenMs: number;
  /** Requests of one session that may wait for its wake. */
  readonly maxWaiters: number;
  /** A navigation waits this long for a wake before it gets the waiting page. */
  readonly navigationHoldMs: number;
  /** Everything else that may wake waits this long. */
  readonly requestHoldMs: number;
  /** After a failed wake only a navigation tries again before this is over. */
  readonly wakeBackoffMs: number;
  readonly maxRoutes: number;
  /** A notification may get lost: a cached route is asked for again after this. */
  readonly routeMaxAgeMs: number;
  /** The same for answers other than `live`. */
  readonly otherMaxAgeMs: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  maxHeaderLines: 200,
  maxHeaderBytes: 32 * 1024,
  maxClientConnections: 20_000,
  maxPipelined: 1000,
  headersTimeoutMs: 20_000,
  bodyIdleMs: 60_000,
  clientKeepAliveMs: 75_000,
  lingerMs: 2000,
  dialTimeoutMs: 5000,
  firstByteTimeoutMs: 120_000,
  handshakeTimeoutMs: 10_000,
  upstreamIdleMs: 4000,
  maxUpstreamConnections: 256,
  maxUpstreamWaiting: 4000,
  maxSocketsPerSession: 5000,
  halfOpenMs: 30_000,
  maxWaiters: 2000,
  navigationHoldMs: 1000,
  requestHoldMs: 90_000,
  wakeBackoffMs: 2000,
  maxRoutes: 10_000,
  routeMaxAgeMs: 60_000,
  otherMaxAgeMs: 1000,
};
