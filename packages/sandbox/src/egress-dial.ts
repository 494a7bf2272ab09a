import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { networkInterfaces } from "node:os";
import { connect as connectTls } from "node:tls";
import type { EgressDecision, HostPort, UpstreamProxy } from "./egress-policy.ts";
import type { AddressPolicy } from "./public-address.ts";

/** Name → addresses; by parameter so that tests need no network. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export const systemResolve: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** A connection that was not made, for a reason that may be told inside. */
export class EgressRefused extends Error {
  override readonly name = "EgressRefused";
  readonly status: 403 | 502 | 504;
  constructor(status: 403 | 502 | 504, reason: string) {
    super(reason);
    this.status = status;
  }
}

const RESOLVE_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 15_000;
const MAX_ADDRESSES_TRIED = 3;

/**
 * Connects to a target that is allowed by name. The name is resolved here, once; every address is checked, and the
 * connection goes to a checked address. Addresses of this machine's own interfaces are refused as well.
 */
export async function dialDirect(
  target: HostPort,
  trusted: boolean,
  addresses: AddressPolicy,
  resolve: Resolve,
): Promise<Socket> {
  const found = await resolveChecked(target, trusted, addresses, resolve);
  let last: unknown;
  for (const address of found.slice(0, MAX_ADDRESSES_TRIED)) {
    try {
      return await connected(connect({ host: address, port: target.port, allowHalfOpen: true }));
    } catch (error) {
      last = error;
    }
  }
  throw last instanceof EgressRefused ? last : new EgressRefused(502, "the host does not answer");
}

/** The addresses of a target that may be reached; throws `EgressRefused` where there is none. */
export async function resolveChecked(
  target: HostPort,
  trusted: boolean,
  addresses: AddressPolicy,
  resolve: Resolve,
): Promise<readonly string[]> {
  const all = isIP(target.host) !== 0 ? [target.host] : await within(resolve(target.host));
  if (trusted) return all;
  const own = new Set(
    Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((one) => one.address)),
  );
  const allowed = all.filter((address) => addresses.isPublic(address) && !own.has(address));
  if (allowed.length === 0) throw new EgressRefused(403, "private and local addresses cannot be reached");
  return allowed;
}

/** Asks the proxy that this machine needs for a tunnel. `host` is what it is told: a name, or a checked address. */
export async function dialUpstream(upstream: UpstreamProxy, host: string, port: number): Promise<Socket> {
  const url = new URL(upstream.url);
  const secure = url.protocol === "https:";
  const proxyPort = url.port === "" ? (secure ? 443 : 80) : Number(url.port);
  const proxyHost = url.hostname.replace(/^\[|\]$/g, "");
  const socket = secure
    ? await connected(
        connectTls({ host: proxyHost, port: proxyPort, servername: proxyHost }),
        "secureConnect",
      )
    : await connected(connect({ host: proxyHost, port: proxyPort, allowHalfOpen: true }));
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const secret = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const login =
    url.username === "" ? "" : `Proxy-Authorization: Basic ${Buffer.from(secret).toString("base64")}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${login}\r\n`);
  const head = await readHead(socket);
  if (!/^HTTP\/1\.[01] 2\d\d/.test(head)) {
    socket.destroy();
    throw new EgressRefused(502, "the network's own proxy refused");
  }
  return socket;
}

/** By the way that was decided. Through an upstream proxy an untrusted target is named by its checked address. */
export async function dialTarget(
  target: HostPort,
  decision: Extract<EgressDecision, { kind: "allow" }>,
  upstream: UpstreamProxy | null,
  addresses: AddressPolicy,
  resolve: Resolve,
): Promise<Socket> {
  if (!decision.viaUpstream || upstream === null)
    return dialDirect(target, decision.trusted, addresses, resolve);
  if (decision.trusted) return dialUpstream(upstream, target.host, target.port);
  const [address] = await resolveChecked(target, false, addresses, resolve);
  return dialUpstream(upstream, address ?? target.host, target.port);
}

function connected<T extends Socket>(socket: T, event = "connect"): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(
      () => fail(new EgressRefused(504, "the host does not answer")),
      CONNECT_TIMEOUT_MS,
    );
    socket.once("error", fail);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.removeListener("error", fail);
      resolve(socket);
    });
  });
}

/** Up to the empty line; what follows is put back. */
function readHead(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let seen = Buffer.alloc(0);
    const done = (act: () => void) => {
      clearTimeout(timer);
      socket.removeListener("readable", onReadable);
      socket.removeListener("error", onEnd);
      socket.removeListener("end", onEnd);
      act();
    };
    const fail = () => {
      socket.destroy();
      reject(new EgressRefused(502, "the network's own proxy does not answer"));
    };
    const onEnd = () => done(fail);
    const onReadable = () => {
      for (let chunk: unknown = socket.read(); chunk !== null; chunk = socket.read()) {
        if (!Buffer.isBuffer(chunk)) return done(fail);
        seen = Buffer.concat([seen, chunk]);
        const end = seen.indexOf("\r\n\r\n");
        if (end >= 0) {
          const rest = seen.subarray(end + 4);
          return done(() => {
            if (rest.length > 0) socket.unshift(rest);
            resolve(seen.toString("latin1", 0, end));
          });
        }
        if (seen.length > 16_384) return done(fail);
      }
    };
    const timer = setTimeout(onEnd, CONNECT_TIMEOUT_MS);
    socket.on("readable", onReadable);
    socket.once("error", onEnd);
    socket.once("end", onEnd);
  });
}

function within<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new EgressRefused(504, "the name cannot be resolved")),
      RESOLVE_TIMEOUT_MS,
    );
    work
      .then(resolve, () => reject(new EgressRefused(502, "the name cannot be resolved")))
      .finally(() => {
        clearTimeout(timer);
      });
  });
}
