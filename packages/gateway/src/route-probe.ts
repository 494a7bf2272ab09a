import { type IncomingMessage, request } from "node:http";
import {
  type Endpoint,
  GATEWAY_ERROR_HEADER,
  IDENTITY_PATH,
  type Identity,
  identitySchema,
  PROBE_HEADER,
  type SessionId,
  VelocityError,
} from "@velocity/contract";
import { warmApp } from "./warm-app.ts";

/** Asks through the gateway's own listener, as a viewer would. Structurally core's port `RouteProbe`. */
export interface RouteProbe {
  identity(sessionId: SessionId, generation: number, signal: AbortSignal): Promise<Identity>;
  ready(
    sessionId: SessionId,
    generation: number,
    path: string,
    signal: AbortSignal,
  ): Promise<{ status: number }>;
  /** Makes an app do its slow first work; it has no route yet. */
  warm(app: Endpoint, path: string, signal: AbortSignal): Promise<void>;
}

export interface RouteProbeOptions {
  /** Where the front server listens: dialled directly, because Node does not resolve `*.localhost`. */
  readonly host?: string;
  /** A function where the port is only known once the server listens. */
  readonly port: number | (() => number);
  readonly domain: string;
  /** Port in the `Host` header, as viewers send it; default: the one that is dialled. */
  readonly publicPort?: number;
  readonly probeSecret: string;
}

const MAX_IDENTITY_BYTES = 64 * 1024;

/** Every probe is one real TCP connection with a `Host` header through everything a viewer passes. */
export function createRouteProbe(options: RouteProbeOptions): RouteProbe {
  return {
    async identity(sessionId, generation, signal) {
      const { status, body } = await ask(
        options,
        sessionId,
        generation,
        IDENTITY_PATH,
        signal,
        MAX_IDENTITY_BYTES,
      );
      const identity = status === 200 ? identitySchema.safeParse(parse(body)) : null;
      if (identity?.success === true) return identity.data;
      throw new VelocityError("wrong_container", "The container did not say who it is.", {
        context: { sessionId, generation, status },
      });
    },
    async ready(sessionId, generation, path, signal) {
      const { status } = await ask(options, sessionId, generation, path, signal, 0);
      return { status };
    },
    warm: warmApp,
  };
}

function ask(
  options: RouteProbeOptions,
  sessionId: SessionId,
  generation: number,
  path: string,
  signal: AbortSignal,
  keepBytes: number,
): Promise<{ status: number; body: string }> {
  const port = typeof options.port === "function" ? options.port() : options.port;
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const fail = (cause: unknown) =>
    reject(
      new VelocityError("session_unavailable", "The preview did not answer on its route.", {
        context: { sessionId, generation, path },
        cause,
      }),
    );
  const outgoing = request(
    {
      host: options.host ?? "127.0.0.1",
      port,
      path,
      agent: false,
      signal,
      headers: {
        host: `${sessionId}.${options.domain}:${options.publicPort ?? port}`,
        accept: "text/html,*/*",
        [PROBE_HEADER]: `${generation} ${options.probeSecret}`,
      },
    },
    (res: IncomingMessage) => {
      const code = res.headers[GATEWAY_ERROR_HEADER];
      if (code !== undefined) {
        res.resume();
        fail(new Error(`gateway: ${String(code)}`));
        return;
      }
      const pieces: Buffer[] = [];
      let kept = 0;
      res.on("data", (piece: Buffer) => {
        if (kept < keepBytes) pieces.push(piece);
        kept += piece.length;
      });
      res.on("end", () => {
        if (res.complete) resolve({ status: res.statusCode ?? 0, body: Buffer.concat(pieces).toString() });
        else fail(new Error("answer cut short"));
      });
      res.on("error", fail);
    },
  );
  outgoing.on("error", fail);
  outgoing.end();
  return promise;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}
