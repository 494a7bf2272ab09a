import type { RunSpec } from "@velocity/contract";
import type { AppSocket } from "./app-socket.ts";
import { dialLoopback, type LoopbackPort, speaksHttp } from "./bridge.ts";
import { ownedPorts, readListeningPorts } from "./listening-ports.ts";
import type { ProcessTree } from "./process-tree.ts";

/** A server that listens elsewhere than told gets this long to turn up where it was told. */
const ADOPT_AFTER_MS = 1200;
/** How long the preload has before a port that is open is bridged to. */
const PRELOAD_GRACE_MS = 600;
const LOOK_MS = { bridgeFirst: 10, preload: 200, slowest: 250, late: 1000 } as const;

export type Found =
  | { readonly kind: "bridged"; readonly port: number }
  | { readonly kind: "adopted"; readonly port: number };

export interface FindOptions {
  readonly run: RunSpec;
  readonly tree: ProcessTree;
  readonly socket: AppSocket;
  readonly signal: AbortSignal;
}

/**
 * Looks for the port that the program really listens on, where it does not take the app socket by itself: programs
 * that are not Node, and servers on another port than told. Null when the program has the socket or the signal came.
 */
export async function findServer(options: FindOptions): Promise<Found | null> {
  const { run, tree, socket, signal } = options;
  const startedMs = performance.now();
  const firstSeenMs = new Map<number, number>();
  const refused = new Map<number, number>();
  let waitMs = run.listen === "bridge" ? LOOK_MS.bridgeFirst : PRELOAD_GRACE_MS;
  for (;;) {
    await pause(waitMs, signal);
    if (signal.aborted || socket.holder() === "program") return null;
    waitMs = nextWait(run, waitMs, performance.now() - startedMs);
    const open = openPorts(run, tree);
    const now = performance.now();
    for (const { port } of open) if (!firstSeenMs.has(port)) firstSeenMs.set(port, now);
    const age = (port: number): number => now - (firstSeenMs.get(port) ?? now);

    const told = open.find(({ port }) => port === run.port);
    if (told !== undefined && (run.listen === "bridge" || age(told.port) >= LOOK_MS.preload)) {
      if (await canBridge(told)) {
        if (signal.aborted) return null;
        await socket.bridge(told);
        return { kind: "bridged", port: told.port };
      }
    }
    const exposed = new Set(socket.exposedPorts());
    for (const port of exposed) if (!firstSeenMs.has(port)) firstSeenMs.set(port, now);
    for (const port of [...firstSeenMs.keys()].sort(
      (a, b) => Number(exposed.has(b)) - Number(exposed.has(a)),
    )) {
      if (port === run.port || age(port) < ADOPT_AFTER_MS || now - (refused.get(port) ?? -10_000) < 5000)
        continue;
      const there = open.find((each) => each.port === port);
      const dialled = exposed.has(port)
        ? await socket.dialExposed(port)
        : there
          ? await dialLoopback(there)
          : null;
      const answers = dialled !== null && (await speaksHttp(dialled, run.ready.path));
      if (signal.aborted || socket.holder() === "program") return null;
      if (!answers) {
        refused.set(port, now);
        continue;
      }
      if (exposed.has(port)) socket.adopt(port);
      else if (there !== undefined) await socket.bridge(there);
      return { kind: "adopted", port };
    }
  }
}

function nextWait(run: RunSpec, waitMs: number, elapsedMs: number): number {
  if (elapsedMs > run.ready.timeoutMs) return LOOK_MS.late;
  return run.listen === "bridge" ? Math.min(waitMs * 1.4, LOOK_MS.slowest) : LOOK_MS.preload;
}

/** Ports of the program's own processes; where the system cannot tell, the one it was told. */
function openPorts(run: RunSpec, tree: ProcessTree): LoopbackPort[] {
  const listening = readListeningPorts();
  if (listening === null) return [{ port: run.port, host: "127.0.0.1" }];
  return listening.length === 0 ? [] : ownedPorts(listening, tree.members());
}

async function canBridge(to: LoopbackPort): Promise<boolean> {
  const socket = await dialLoopback(to);
  socket?.destroy();
  return socket !== null;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
    if (signal.aborted) done();
  });
}
