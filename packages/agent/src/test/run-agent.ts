import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type AgentConfig,
  type AgentEvent,
  agentConfigSchema,
  type Endpoint,
  type RunSpec,
  type ServerStatus,
} from "@velocity/contract";
import { bundleAgent } from "../bundle.ts";
import { type AgentClient, createAgentClient } from "../client/index.ts";
import { readProcesses, treeOf } from "../server/process-tree.ts";

type ServerEvent = Extract<AgentEvent, { type: "server" }>;

export interface TestAgent {
  readonly workspace: string;
  readonly socketDir: string;
  readonly control: Endpoint;
  readonly appSocket: string;
  readonly client: AgentClient;
  readonly process: ChildProcess;
  readonly config: AgentConfig;
  readonly signal: AbortSignal;
  /** Resolves with the first server event of that status after `since`. */
  status(status: ServerStatus, since?: number): Promise<ServerEvent>;
  /** Resolves with the first event that matches. */
  event(matches: (event: AgentEvent) => boolean, since?: number): Promise<AgentEvent>;
  get(path?: string, headers?: Record<string, string>, socket?: string): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

const NODE = process.execPath;

/** A run spec of plain defaults for tests. */
export function runSpec(partial: Partial<RunSpec> & Pick<RunSpec, "command" | "port">): RunSpec {
  return {
    cwd: ".",
    env: {},
    ready: { path: "/", timeoutMs: 20_000 },
    listen: "preload",
    install: null,
    ...partial,
  };
}

export function node(script: string): string[] {
  return [NODE, script];
}

/** A port that nobody listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("no port"));
      });
    });
  });
}

export interface TestSetup {
  readonly files?: Readonly<Record<string, string>>;
  readonly run?: RunSpec | null;
  readonly egressSocket?: string;
  readonly workspace?: string;
  /** Files that are in the socket folder already. */
  readonly stale?: readonly string[];
}

/** Runs the real bundle as a process of its own, on a folder of its own; `use` gets it, and nothing of it is left after. */
export async function withAgent<T>(setup: TestSetup, use: (agent: TestAgent) => Promise<T>): Promise<T> {
  const { dir } = await bundleAgent({ cacheDir: join(tmpdir(), "velocity-test-agent") });
  const root = mkdtempSync(join(tmpdir(), "va-"));
  const workspace = setup.workspace ?? join(root, "w");
  const socketDir = join(root, "s");
  mkdirSync(workspace, { recursive: true });
  for (const [path, content] of Object.entries(setup.files ?? {})) {
    mkdirSync(dirname(join(workspace, path)), { recursive: true });
    writeFileSync(join(workspace, path), content);
  }
  mkdirSync(socketDir);
  for (const name of setup.stale ?? []) writeFileSync(join(socketDir, name), "");
  const config = agentConfigSchema.parse({
    protocol: 1,
    identity: { containerId: randomUUID(), sessionId: null, projectId: null, generation: 1 },
    workspace,
    socketDir,
    logFile: join(root, "log.ndjson"),
    egressSocket: setup.egressSocket ?? null,
    run: setup.run ?? null,
  });
  const configPath = join(root, "config.json");
  writeFileSync(configPath, JSON.stringify(config));
  const child = spawn(NODE, [join(dir, "agent.mjs")], {
    env: { PATH: process.env.PATH, HOME: root, VELOCITY_AGENT_CONFIG: configPath },
    stdio: ["ignore", "ignore", "pipe"],
  });
  // A test that is given up leaves by here, and never reaches its own clean-up.
  const abandoned = (): void => {
    child.kill("SIGTERM");
  };
  process.once("exit", abandoned);
  let complaints = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const ended = new AbortController();
  const control: Endpoint = { kind: "unix", path: join(socketDir, "control.sock") };
  const client = createAgentClient();
  const event: TestAgent["event"] = async (matches, since = 0) => {
    for await (const each of client.events(control, since, ended.signal)) if (matches(each)) return each;
    throw new Error(`the agent ended: ${complaints}`);
  };
  const agent: TestAgent = {
    workspace,
    socketDir,
    control,
    appSocket: join(socketDir, "app.sock"),
    client,
    process: child,
    config,
    signal: ended.signal,
    event,
    status: async (status, since) => {
      const found = await event((each) => each.type === "server" && each.status === status, since);
      if (found.type !== "server") throw new Error("not a server event");
      return found;
    },
    get: (path = "/", headers = {}, socket = join(socketDir, "app.sock")) => get(socket, path, headers),
  };
  try {
    return await use(agent);
  } finally {
    const pids = child.pid === undefined ? [] : treeOf(readProcesses(), child.pid);
    ended.abort();
    process.off("exit", abandoned);
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 8000);
    await gone;
    clearTimeout(timer);
    for (const pid of pids) if (isOurs(pid, root)) process.kill(pid, "SIGKILL");
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
    if (complaints !== "") process.stderr.write(`agent said: ${complaints}\n`);
  }
}

/** Whether a process survived that belongs to this test and no other. */
function isOurs(pid: number, root: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1").includes(root);
  } catch {
    return false;
  }
}

export function get(socketPath: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { socketPath, path, headers: { host: "x.localhost", ...headers } },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end();
  });
}
