import { randomBytes, randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { bundleAgent } from "@velocity/agent";
import { type Api, createApi, noAuthenticator, type WebHandler } from "@velocity/api";
import { type Core, createCore, systemClock } from "@velocity/core";
import { createFrontServer, createGateway, createRouteProbe, type Gateway } from "@velocity/gateway";
import { detectSandbox } from "@velocity/sandbox";
import { buildWeb } from "@velocity/web/build";
import { serveWeb } from "@velocity/web/serve";
import { bundleStaticServer } from "@velocity/workspace";
import type { Logger } from "pino";
import manifest from "../package.json" with { type: "json" };
import { createAgentPort } from "./agent-port.ts";
import type { Config } from "./config/schema.ts";
import { coreSettings } from "./core-settings.ts";
import { findPort, listenFailure } from "./find-port.ts";
import { checkHealth } from "./health.ts";
import { type Engine, openEngine } from "./open-engine.ts";
import { openStorage, type Storage } from "./open-storage.ts";
import { Unwind } from "./unwind.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
/** Connections under way at the end get this long to finish. */
const CLOSE_GRACE_MS = 500;

/** A running Velocity. */
export interface Server {
  readonly version: string;
  readonly publicUrl: string;
  readonly previewDomain: string;
  readonly port: number;
  readonly core: Core;
  /** From the start of the process to the first request that would be answered, in milliseconds. */
  readonly startMs: number;
  /** What the operator should know, in plain sentences. */
  readonly notes: readonly string[];
  /** `hibernate` puts every session to sleep and ends every container; `leave` keeps them for the next server. */
  close(how: "hibernate" | "leave"): Promise<void>;
}

/**
 * Builds every part and connects them; nothing else in the product does. What fails on the way undoes what was begun
 * before it. `say` tells a person at the terminal about slow steps.
 */
export async function startServer(config: Config, log: Logger, say: (line: string) => void): Promise<Server> {
  const unwind = new Unwind();
  try {
    return await build(config, log, say, unwind);
  } catch (error) {
    await unwind.run();
    throw error;
  }
}

async function build(
  config: Config,
  log: Logger,
  say: (line: string) => void,
  unwind: Unwind,
): Promise<Server> {
  const port = await findPort(config.host, config.port);
  const publicUrl = config.publicUrl ?? `http://${config.previewDomain}:${port}`;
  const editorOrigins = config.editorOrigins ?? [new URL(publicUrl).origin];
  const cacheDir = join(ROOT, "node_modules/.cache/velocity");

  const opening = openStorage(config, systemClock, log.child({ part: "store" })).then((opened) =>
    unwind.add(opened, () => opened.close()),
  );
  const [storage, agent, staticServer, support, web] = await allOrNone([
    opening,
    bundleAgent({ cacheDir }),
    bundleStaticServer({ cacheDir }),
    detectSandbox(),
    buildWeb({ cacheDir, onBuild: () => say("Building the pages (first start only)") }),
  ]);
  const installId = await storage.store.installId();
  const engine = await openEngine(config, {
    installId,
    support,
    agentDir: agent.dir,
    staticServerDir: staticServer.dir,
    templatesDir: join(ROOT, "templates"),
    bundlesDir: cacheDir,
    log,
  });
  unwind.add(engine, () => engine.close());

  const probeSecret = randomBytes(24).toString("base64url");
  const core = createCore({
    store: storage.store,
    driver: engine.driver,
    agent: createAgentPort(),
    probe: createRouteProbe({ host: config.host, port, domain: config.previewDomain, probeSecret }),
    workspace: engine.workspace,
    templates: engine.templates,
    archives: engine.archives,
    linkedFiles: engine.linkedFiles,
    git: engine.git,
    directoryTree: engine.directoryTree,
    memoryTree: engine.memoryTree,
    clock: systemClock,
    log: log.child({ part: "core" }),
    ownerId: randomUUID(),
    settings: coreSettings(config),
  });
  const gateway = createGateway({
    domain: config.previewDomain,
    publicProtocol: publicUrl.startsWith("https:") ? "https" : "http",
    lookup: core.routing,
    probeSecret,
    editorOrigins,
    log: log.child({ part: "gateway" }),
  });
  unwind.add(gateway, () => gateway.close());
  const pages = await serveWeb(web.dir, { previewDomain: config.previewDomain, port, publicUrl });
  const api = openApi(config, {
    port,
    publicUrl,
    editorOrigins,
    storage,
    engine,
    core,
    pages,
    log,
  });
  unwind.add(api, () => api.close());
  await openFront({ host: config.host, port, publicUrl }, gateway, api, unwind);
  await core.controllers.start();

  return {
    version: manifest.version,
    publicUrl,
    previewDomain: config.previewDomain,
    port,
    core,
    startMs: performance.now(),
    notes: engine.driver.capabilities.notes,
    close: async (how) => {
      try {
        await core.controllers.shutdown(how);
      } finally {
        await unwind.run();
      }
    },
  };
}

/** Waits for every part before it fails with the first: what is under way still cleans up after itself. */
async function allOrNone<T extends readonly Promise<unknown>[] | []>(
  parts: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(parts);
  return Promise.all(parts);
}

interface ApiParts {
  readonly port: number;
  readonly publicUrl: string;
  readonly editorOrigins: readonly string[];
  readonly storage: Storage;
  readonly engine: Engine;
  readonly core: Core;
  readonly pages: WebHandler;
  readonly log: Logger;
}

function openApi(config: Config, parts: ApiParts): Api {
  const { port, publicUrl, editorOrigins, storage, engine, core, log } = parts;
  const { previewDomain } = config;
  return createApi({
    sessions: core.sessions,
    projects: core.projects,
    driver: engine.driver,
    pool: core.pool,
    idempotency: storage.store.idempotency,
    authenticator: noAuthenticator,
    health: () => checkHealth({ store: storage.store, driver: engine.driver, version: manifest.version }),
    config: {
      publicUrl,
      previewDomain,
      port,
      authMode: config.auth,
      version: manifest.version,
      editorOrigins,
    },
    log: log.child({ part: "api" }),
    clock: systemClock,
    web: parts.pages,
  });
}

async function openFront(
  address: { readonly host: string; readonly port: number; readonly publicUrl: string },
  gateway: Gateway,
  api: Api,
  unwind: Unwind,
): Promise<void> {
  const { host, port, publicUrl } = address;
  const front = createFrontServer({
    fallbackHosts: [new URL(publicUrl).hostname],
    gateway,
    fallback: {
      request: (req, res) => api.handle(req, res),
      upgrade: (_req, socket) =>
        socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    },
  });
  await new Promise<void>((done, fail) => {
    front.server.once("error", (error) => fail(listenFailure(error, port)));
    front.server.listen(port, host, done);
  });
  unwind.add(front, () => front.close(CLOSE_GRACE_MS));
}
