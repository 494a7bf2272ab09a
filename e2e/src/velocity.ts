import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

export interface Velocity {
  readonly port: number;
  /** The web pages, as a person opens them. */
  readonly pages: string;
  readonly dataDir: string;
  /** Everything printed so far. */
  output(): string;
  /** Resolves with the first match in the output; rejects when the server ends first. */
  printed(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Calls the API and expects success; the parsed JSON body. */
  api<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T>;
  /** Sends a signal to the server (as `npm` would pass it on) and waits for its end. */
  end(signal: NodeJS.Signals): Promise<number | null>;
  /** Ctrl-C at a terminal: the signal goes to npm and to the server at once, and npm passes it on as well. */
  pressCtrlC(): Promise<number | null>;
  readonly pid: number;
  /** Ends the server and removes its data. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A data folder to go on with; it is then the caller's to remove. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly cwd?: string;
}

/** Starts Velocity exactly as a user does, `npm start`, and waits until it says that it is ready. */
export async function startVelocity(options: StartOptions = {}): Promise<Velocity> {
  const port = options.port ?? (await freePort());
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "velocity-e2e-")));
  const args = options.args ?? [];
  const child = spawn("npm", ["--prefix", ROOT, "start", "--", ...args], {
    cwd: options.cwd ?? ROOT,
    env: {
      ...process.env,
      INIT_CWD: undefined,
      VELOCITY_PORT: String(port),
      VELOCITY_DATA_DIR: dataDir,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    // a process group of its own, as a shell gives to what it runs
    detached: true,
  });
  let text = "";
  const listeners = new Set<() => void>();
  const ended = new Promise<number | null>((done) => {
    child.once("close", (code) => done(code));
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      text += chunk;
      for (const listener of listeners) listener();
    });
  }
  const velocity: Velocity = {
    port,
    pages: `http://velocity.localhost:${port}`,
    dataDir,
    pid: pidOf(child),
    output: () => text,
    printed: (pattern) =>
      new Promise((done, fail) => {
        const look = () => {
          const match = text.match(pattern);
          if (match === null) return;
          listeners.delete(look);
          done(match);
        };
        listeners.add(look);
        look();
        ended.then((code) =>
          fail(new Error(`server ended with ${code} before printing ${pattern}:\n${text}`)),
        );
      }),
    api: async (method, path, body) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        ...(body === undefined
          ? {}
          : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
      });
      const answer = await response.text();
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
      return JSON.parse(answer);
    },
    end: async (signal) => {
      child.kill(signal);
      return await ended;
    },
    pressCtrlC: async () => {
      process.kill(-pidOf(child), "SIGINT");
      return await ended;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGINT");
        await ended;
      }
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
  try {
    await velocity.printed(/ready in/);
  } catch (error) {
    await velocity[Symbol.asyncDispose]();
    throw error;
  }
  return velocity;
}

function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error("npm could not be started");
  return child.pid;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
