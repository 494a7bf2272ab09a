import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { RunSpec, ServerStatus } from "@velocity/contract";
import type { EventLog } from "../log/event-log.ts";
import { LineSplitter } from "../log/line-splitter.ts";
import type { LogFile } from "../log/log-file.ts";
import type { AppSocket } from "./app-socket.ts";
import { findServer } from "./find-server.ts";
import { installManifest } from "./install-manifest.ts";
import { ProcessTree } from "./process-tree.ts";
import { afterCrash, delayAfterChange } from "./restart-policy.ts";
import { type ProgramExit, type RunningProgram, spawnProgram } from "./spawn-program.ts";
import { saysProgramEnded } from "./watcher-words.ts";
import { watchWorkspace } from "./workspace-watch.ts";

export interface ServerError {
  readonly code: "install_failed" | "server_exited" | "server_not_listening";
  readonly message: string;
  readonly log: string[];
}

export interface ServerState {
  readonly status: ServerStatus;
  readonly port: number | null;
  readonly error: ServerError | null;
}

export interface DevServerOptions {
  readonly workspace: string;
  readonly events: EventLog;
  readonly logFile: LogFile;
  readonly socket: AppSocket;
  /** Environment of the dev server, or of its installer. */
  readonly environment: (run: RunSpec, kind: "server" | "install") => Record<string, string>;
}

const LOG_LINES_IN_ERROR = 50;
const POLITE_MS = 1500;
const DRAIN_MS = 300;
const LAST_WORDS_MS = 150;
const MAX_CHANGES_WHILE_STARTING = 3;
/** How long a server may be away (it restarts itself) before the page stands in for it. */
const AWAY_MS = 100;

/** The one owner of the dev server's processes: starts, watches, ends and restarts them, and says what they do. */
export class DevServer {
  readonly #options: DevServerOptions;
  #run: RunSpec | null = null;
  #state: ServerState = { status: "idle", port: null, error: null };
  #tree: ProcessTree | null = null;
  /** Ends everything that waits on behalf of the current try. */
  #attempt = new AbortController();
  #turn: Promise<void> = Promise.resolve();
  #installedFor: string | null = null;
  #adoptedPort: number | null = null;
  #changedWhileStarting = false;
  #stopWatching: (() => void) | null = null;
  #changesWhileStarting = 0;
  #failuresInARow = 0;
  #crashesMs: number[] = [];
  #sinceSeq = 0;

  constructor(options: DevServerOptions) {
    this.#options = options;
  }

  get state(): ServerState {
    return this.#state;
  }

  get run(): RunSpec | null {
    return this.#run;
  }

  /** Starts by a spec, ending what ran before. `early` is a program that was started from it already. */
  start(run: RunSpec, early?: RunningProgram): Promise<void> {
    return this.#inTurn(async () => {
      this.#run = run;
      this.#failuresInARow = 0;
      this.#crashesMs = [];
      await this.#replace(0, early);
    });
  }

  /** Ends the server and starts it again. Resolves when the new one was started, not when it listens. */
  restart(): Promise<void> {
    return this.#inTurn(async () => {
      this.#failuresInARow = 0;
      this.#crashesMs = [];
      await this.#replace(POLITE_MS);
      // People look at a session that is restarted; a pool member that is bound has no viewer yet.
      await this.#options.socket.showPage({ replace: false });
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      this.#endWatching();
      await this.#end(POLITE_MS);
      this.#options.socket.clear();
      this.#set({ status: "stopped", port: null, error: null });
    });
  }

  /** A project file was changed through the control API. */
  filesChanged(): void {
    if (this.#state.status === "failed") this.#startAfterChange();
    else if (this.#state.status !== "listening") this.#changedWhileStarting = true;
  }

  /** The app socket changed hands, or a port was exposed or closed. */
  socketChanged(): void {
    const { socket } = this.#options;
    if (this.#tree === null || this.#run === null) return;
    if (this.#adoptedPort !== null && !socket.exposedPorts().includes(this.#adoptedPort)) {
      this.#adoptedPort = null;
      socket.clear();
    }
    const holder = socket.holder();
    if (holder === "program") this.#listening(this.#adoptedPort ?? this.#run.port);
    else if (holder === "nobody" && this.#state.status === "listening") this.#away();
  }

  #listening(port: number): void {
    this.#options.socket.release();
    if (this.#state.status === "listening" && this.#state.port === port) return;
    this.#endWatching();
    this.#failuresInARow = 0;
    this.#changedWhileStarting = false;
    this.#set({ status: "listening", port, error: null });
  }

  /** The server closed its listener but lives: it is about to listen again. */
  #away(): void {
    const { signal } = this.#attempt;
    const timer = setTimeout(() => {
      if (signal.aborted || this.#options.socket.holder() !== "nobody") return;
      this.#set({ status: "starting", port: null, error: null });
      this.#quietly(this.#options.socket.showPage({ replace: false }));
      this.#find(signal);
    }, AWAY_MS);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  async #replace(graceMs: number, early?: RunningProgram): Promise<void> {
    const run = this.#run;
    if (run === null) return;
    await this.#end(graceMs);
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#changedWhileStarting = false;
    this.#sinceSeq = this.#options.events.seq;
    if (
      run.install !== null &&
      early === undefined &&
      this.#installedFor !== installManifest(this.#options.workspace, run.cwd)
    ) {
      this.#quietly(this.#installThenLaunch(run, attempt.signal));
    } else this.#launch(run, attempt.signal, early);
  }

  async #installThenLaunch(run: RunSpec, signal: AbortSignal): Promise<void> {
    const install = run.install;
    if (install === null) return;
    this.#set({ status: "installing", port: null, error: null });
    const program = spawnProgram({
      command: install.command,
      cwd: join(this.#options.workspace, run.cwd),
      env: this.#options.environment(run, "install"),
    });
    program.child?.stdin?.end();
    this.#follow(program, "install");
    this.#tree = program.pid === null ? null : new ProcessTree(program.pid);
    const exit = await program.exited;
    if (signal.aborted) return;
    await this.#tree?.end(0);
    await allOutput(program);
    if (signal.aborted) return;
    this.#tree = null;
    if (exit.kind === "exited" && exit.code === 0) {
      this.#installedFor = installManifest(this.#options.workspace, run.cwd);
      this.#launch(run, signal);
      return;
    }
    this.#installedFor = null;
    await this.#fail(
      "install_failed",
      `The dependencies could not be installed: ${describe(exit, "the installer")}`,
    );
  }

  #launch(run: RunSpec, signal: AbortSignal, early?: RunningProgram): void {
    this.#set({ status: "starting", port: null, error: null });
    const program =
      early ??
      spawnProgram({
        command: run.command,
        cwd: join(this.#options.workspace, run.cwd),
        env: this.#options.environment(run, "server"),
      });
    this.#follow(program, "server");
    this.#tree = program.pid === null ? null : new ProcessTree(program.pid);
    this.#find(signal);
    const timer = setTimeout(() => this.#tooLate(run), run.ready.timeoutMs);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    void program.exited.then((exit) => {
      clearTimeout(timer);
      if (!signal.aborted) this.#quietly(this.#exited(exit, program));
    });
    this.socketChanged();
  }

  #find(signal: AbortSignal): void {
    const [run, tree] = [this.#run, this.#tree];
    if (run === null || tree === null) return;
    const { socket } = this.#options;
    void findServer({ run, tree, socket, signal })
      .then((found) => {
        if (found === null || signal.aborted) return;
        if (found.kind === "adopted") {
          this.#adoptedPort = socket.holder() === "program" ? found.port : null;
          this.#say(
            `The dev server listens on port ${found.port} instead of ${run.port}; the preview uses it.`,
          );
        }
        this.#listening(found.port);
      })
      .catch((error: unknown) => this.#say(`The dev server's port could not be used: ${String(error)}`));
  }

  #tooLate(run: RunSpec): void {
    if (this.#state.status !== "starting") return;
    const seconds = Math.round(run.ready.timeoutMs / 1000);
    // It stays alive: a server that is only slow still gets there.
    const message = `The dev server runs, but did not listen on port ${run.port} within ${seconds} s.`;
    this.#quietly(this.#fail("server_not_listening", message));
  }

  async #exited(exit: ProgramExit, program: RunningProgram): Promise<void> {
    const wasListening = this.#state.status === "listening";
    const { signal } = this.#attempt;
    await this.#tree?.end(0);
    await allOutput(program);
    if (signal.aborted) return;
    this.#tree = null;
    this.#adoptedPort = null;
    await this.#ended(describe(exit, "the dev server"), wasListening);
  }

  async #ended(what: string, wasListening: boolean): Promise<void> {
    const next = wasListening ? afterCrash(this.#crashesMs, Date.now()) : { action: "give-up" as const };
    if (next.action === "give-up") {
      await this.#fail("server_exited", what);
      return;
    }
    this.#crashesMs = [...this.#crashesMs.slice(-10), Date.now()];
    this.#say(`${capitalised(what)} It is started again.`);
    this.#options.socket.clear();
    this.#set({ status: "starting", port: null, error: null });
    await this.#options.socket.showPage({ replace: true });
    this.#later(next.delayMs);
  }

  /** The program ended below a watcher that lives on. Its own last words may come after the watcher's. */
  #watcherWaits(): void {
    const wasListening = this.#state.status === "listening";
    const { signal } = this.#attempt;
    const timer = setTimeout(() => this.#quietly(this.#confirmEnded(wasListening, signal)), LAST_WORDS_MS);
    signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
  }

  async #confirmEnded(wasListening: boolean, signal: AbortSignal): Promise<void> {
    await this.#options.socket.dropDead();
    const back = this.#options.socket.holder() === "program";
    if (signal.aborted || back || this.#state.status === "failed") return;
    await this.#ended("the dev server ended.", wasListening);
  }

  async #fail(code: ServerError["code"], message: string): Promise<void> {
    const log = this.#options.events.lastLines(LOG_LINES_IN_ERROR, this.#sinceSeq);
    this.#failuresInARow += 1;
    if (this.#tree === null) this.#options.socket.clear();
    this.#set({ status: "failed", port: null, error: { code, message: capitalised(message), log } });
    const { signal } = this.#attempt;
    await this.#options.socket.showPage({ replace: this.#tree === null });
    if (signal.aborted) return;
    this.#stopWatching ??= watchWorkspace(this.#options.workspace, () => this.#diskChanged());
    if (this.#changedWhileStarting) this.#startAfterChange();
  }

  /**
   * A save while a corrected server is starting counts too: it may still have read the old file. What a server writes
   * by itself while it starts looks the same, so this happens a few times only.
   */
  #diskChanged(): void {
    if (this.#state.status === "failed") {
      this.#changesWhileStarting = MAX_CHANGES_WHILE_STARTING;
      this.#startAfterChange();
    } else if (!this.#changedWhileStarting && this.#changesWhileStarting > 0) {
      this.#changesWhileStarting -= 1;
      this.#changedWhileStarting = true;
    }
  }

  #endWatching(): void {
    this.#stopWatching?.();
    this.#stopWatching = null;
  }

  #startAfterChange(): void {
    const failed = (): boolean => this.#state.status === "failed";
    // A watcher of the project's own may have been faster.
    if (failed()) this.#later(delayAfterChange(this.#failuresInARow), failed);
  }

  #pending: NodeJS.Timeout | null = null;

  #later(delayMs: number, stillWanted: () => boolean = () => true): void {
    if (this.#pending !== null) return;
    const { signal } = this.#attempt;
    const cancel = (): void => {
      if (this.#pending !== null) clearTimeout(this.#pending);
      this.#pending = null;
    };
    this.#pending = setTimeout(() => {
      this.#pending = null;
      signal.removeEventListener("abort", cancel);
      if (signal.aborted || !stillWanted()) return;
      this.#quietly(this.#inTurn(() => (signal.aborted ? Promise.resolve() : this.#replace(0))));
    }, delayMs);
    signal.addEventListener("abort", cancel, { once: true });
  }

  /** Ends the current try and every process of it. */
  async #end(graceMs: number): Promise<void> {
    this.#attempt.abort();
    const tree = this.#tree;
    this.#tree = null;
    this.#adoptedPort = null;
    if (tree === null) return;
    await tree.end(graceMs);
    this.#options.socket.clear();
  }

  #follow(program: RunningProgram, source: "server" | "install"): void {
    const keepColors = this.#run?.env.FORCE_COLOR !== undefined;
    for (const stream of ["stdout", "stderr"] as const) {
      const splitter = new LineSplitter(
        (text) => {
          this.#log(source, stream, text);
          if (source === "server" && saysProgramEnded(stripVTControlCharacters(text))) this.#watcherWaits();
        },
        { keepColors },
      );
      const pipe = program.child?.[stream];
      pipe?.on("data", (chunk: Buffer) => splitter.write(chunk));
      pipe?.on("end", () => splitter.end());
      pipe?.on("error", () => {});
    }
    void program.exited.then((exit) => {
      if (exit.kind === "not-started") this.#log(source, "stderr", exit.message);
    });
  }

  /** For what nobody waits for: a full disk or a missing folder is told, and the agent lives on. */
  #quietly(work: Promise<void>): void {
    work.catch((error: unknown) => this.#say(`The agent could not go on with this: ${String(error)}`));
  }

  #say(text: string): void {
    this.#log("agent", "stdout", text);
  }

  #log(source: "server" | "install" | "agent", stream: "stdout" | "stderr", text: string): void {
    this.#options.logFile.append(this.#options.events.line(source, stream, text));
  }

  #set(state: ServerState): void {
    this.#state = state;
    const error = state.error === null ? null : { ...state.error };
    this.#options.events.server(state.status, state.port, error);
  }

  /** Changes of what runs happen one after the other. */
  #inTurn(action: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(action);
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** What was written last arrives after the exit; a process that escaped with the pipe is not waited for. */
async function allOutput(program: RunningProgram): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, DRAIN_MS);
  });
  await Promise.race([program.drained, enough]);
  clearTimeout(timer);
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function describe(exit: ProgramExit, who: string): string {
  if (exit.kind === "not-started") return exit.message;
  if (exit.signal !== null) return `${who} was ended by ${exit.signal}.`;
  return `${who} exited with code ${exit.code ?? "unknown"}.`;
}
