import { randomUUID } from "node:crypto";
import {
  type FileContent,
  fileContentSchema,
  type GitSource,
  LOCAL_USER_ID,
  type ProjectId,
  projectIdSchema,
  type RunSpec,
  type StartRequest,
  startRequestSchema,
  VelocityError,
} from "@velocity/contract";
import {
  type ArchiveReader,
  type Caller,
  CORE_SETTINGS,
  type Core,
  type CoreSettings,
  createCore,
  type DriverCapabilities,
  type FileTree,
  type LinkedFiles,
  type Log,
  type ProjectPlan,
  type Store,
  silentLog,
  type WorkspacePort,
} from "@velocity/core";
import { CallsUnderWay } from "./calls-under-way.ts";
import { fakeAgent } from "./fake-agent.ts";
import { fakeDriver } from "./fake-driver/fake-driver.ts";
import { FakeEngine } from "./fake-driver/fake-engine.ts";
import { ManualClock } from "./manual-clock.ts";
import { memoryStore } from "./memory-store/memory-store.ts";

export const LOCAL: Caller = { userId: LOCAL_USER_ID, role: "admin", createsUnknownProjects: true };

export const TEMPLATE: readonly FileContent[] = [
  { path: "package.json", content: '{"dependencies":{"vite":"8"}}', encoding: "utf8" },
  { path: "src/App.jsx", content: "export default 1", encoding: "utf8" },
];

export const NO_POOL: Partial<CoreSettings> = { poolSize: 0, demoProject: false };

/** One orchestrator process of a test. `kill` makes it vanish: nothing it asks for is done or answered any more. */
export interface Process {
  readonly core: Core;
  kill(): void;
}

/** An engine, a database and a clock that outlive the orchestrators of a test. */
export class Rig {
  readonly engine = new FakeEngine();
  readonly clock = new ManualClock(undefined, () => this.#calls.idle());
  readonly store: Store;
  readonly workspace = new FakeWorkspace();
  readonly settings: CoreSettings;
  readonly capabilities: Partial<DriverCapabilities>;
  /** What a repository has. */
  repository: (source: GitSource) => Promise<FileContent[]> = async () => [
    { path: "README.md", content: "# Fetched", encoding: "utf8" },
  ];
  log: Log = silentLog;
  /** Calls to the store that have no answer yet. */
  readonly #calls = new CallsUnderWay();
  readonly #processes: Process[] = [];

  constructor(
    settings: Partial<CoreSettings> = NO_POOL,
    capabilities: Partial<DriverCapabilities> = {},
    store?: Store,
  ) {
    this.settings = { ...CORE_SETTINGS, ...settings };
    this.capabilities = capabilities;
    this.engine.now = () => this.clock.now();
    this.store = this.#counted(store ?? memoryStore(() => this.clock.now()));
  }

  /** `store`: this process's own way to the same database. */
  process(
    failpoint: (name: string, kill: () => void) => Promise<void> | void = () => {},
    store?: Store,
  ): Process {
    const life = { over: false };
    const kill = () => {
      life.over = true;
    };
    const mortal = <T extends object>(target: T): T => dieWith(target, life);
    const database = store === undefined ? this.store : this.#counted(store);
    const agent = mortal(fakeAgent(this.engine));
    const core = createCore({
      store: {
        ...mortal(database),
        sessions: mortal(database.sessions),
        containers: mortal(database.containers),
        projects: mortal(database.projects),
        events: mortal(database.events),
      },
      driver: mortal(fakeDriver(this.engine, this.capabilities)),
      agent,
      probe: {
        identity: async (id, generation, signal) => {
          const route = await core.routing.resolve(id, { probeGeneration: generation });
          if (route.kind !== "live")
            throw new VelocityError("session_unavailable", `The route is ${route.kind}.`);
          return agent.identity(route.control, signal);
        },
        ready: async (id, generation) => {
          const route = await core.routing.resolve(id, { probeGeneration: generation });
          const container = route.kind === "live" ? this.engine.containers.get(route.containerId) : undefined;
          if (container?.status !== "running")
            throw new VelocityError("session_unavailable", "Nobody answers.");
          return { status: 200 };
        },
      },
      workspace: this.workspace,
      templates: {
        list: async () => [{ id: "react", title: "React", description: "", framework: "vite" }],
        files: async () => TEMPLATE,
      },
      archives: jsonArchives,
      linkedFiles: NO_LINKED_FILES,
      git: { fetch: async (source) => this.repository(source) },
      directoryTree: () => memoryTree([]),
      memoryTree,
      clock: mortal({ now: () => this.clock.now(), sleep: this.clock.sleep.bind(this.clock) }),
      log: this.log,
      ownerId: randomUUID(),
      settings: this.settings,
      failpoint: (name) => (life.over ? new Promise<void>(() => {}) : failpoint(name, kill)),
    });
    const process = { core, kill };
    this.#processes.push(process);
    return process;
  }

  #counted(store: Store): Store {
    return {
      ...this.#calls.counted(store),
      sessions: this.#calls.counted(store.sessions),
      containers: this.#calls.counted(store.containers),
      projects: this.#calls.counted(store.projects),
      events: this.#calls.counted(store.events),
    };
  }

  /** Ends every process, and waits until the store has nothing more to do for them. */
  async end(): Promise<void> {
    for (const process of this.#processes) process.kill();
    await this.clock.quiet(2);
  }

  /** Lets time pass until the work is settled. */
  run<T>(work: Promise<T>): Promise<T> {
    return this.clock.run(work);
  }

  start(process: Process, projectId: ProjectId, more: Partial<StartRequest> = {}) {
    return this.run(this.begin(process, projectId, more));
  }

  begin(process: Process, projectId: ProjectId, more: Partial<StartRequest> = {}) {
    return process.core.sessions.start(LOCAL, startRequestSchema.parse({ projectId, ...more }));
  }
}

export function newProjectId(): ProjectId {
  return projectIdSchema.parse(randomUUID());
}

export function memoryTree(files: readonly { readonly path: string; readonly content: string }[]): FileTree {
  return {
    list: async (limit) => files.slice(0, limit).map((file) => file.path),
    read: async (path) => files.find((file) => file.path === path)?.content ?? null,
  };
}

/** Plans by package.json: its text is the key of the dependencies. */
export class FakeWorkspace implements WorkspacePort {
  /** Set to make the next installs fail. */
  installFails = false;
  installs = 0;

  async plan(tree: FileTree): Promise<ProjectPlan> {
    const manifest = (await tree.read("package.json")) ?? "";
    const command = (await tree.read("velocity.json")) ?? "vite";
    const run: RunSpec = {
      command: [command],
      cwd: ".",
      env: {},
      port: 5173,
      ready: { path: "/", timeoutMs: 60_000 },
      listen: "preload",
      install: null,
    };
    const hash = `${manifest}|${command}`;
    return {
      framework: "vite",
      packageManager: "pnpm",
      run,
      network: "registry",
      dependencies: { key: manifest },
      hash,
    };
  }

  async dependencies(plan: ProjectPlan) {
    this.installs++;
    if (this.installFails) {
      throw new VelocityError("install_failed", "Dependencies could not be installed.", {
        context: { log: ["no such package"] },
      });
    }
    const key = plan.dependencies?.key ?? "";
    return { mounts: [{ key, path: "/deps", target: "node_modules" }], cached: true };
  }

  async mountRoot(directory: string): Promise<string> {
    return directory;
  }
}

/** Stands for unpacking: an archive of these tests is the JSON of its files. */
const jsonArchives: ArchiveReader = {
  async read(bytes) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of bytes) chunks.push(chunk);
    const files = fileContentSchema.array().safeParse(JSON.parse(Buffer.concat(chunks).toString()));
    if (!files.success) throw new VelocityError("unsafe_archive", "An entry of the archive is unsafe.");
    return files.data;
  },
};

const NO_LINKED_FILES: LinkedFiles = {
  check: async (directory) => directory,
  entries: async () => [],
  read: async () => null,
  apply: async () => ({ version: 0 }),
};

/** Every method of the target hangs for ever once the process is dead, and so does one that was under way. */
function dieWith<T extends object>(target: T, life: { readonly over: boolean }): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key);
      if (typeof value !== "function" || key === "now" || key === "endpoint") return value;
      return (...args: unknown[]) => {
        if (life.over) return hanging();
        const result: unknown = Reflect.apply(value, object, args);
        return result instanceof Promise ? unlessDead(result, life) : result;
      };
    },
  });
}

function hanging(): Promise<never> {
  return new Promise(() => {});
}

async function unlessDead<T>(work: Promise<T>, life: { readonly over: boolean }): Promise<T> {
  try {
    const result = await work;
    if (!life.over) return result;
  } catch (error) {
    if (!life.over) throw error;
  }
  return hanging();
}
