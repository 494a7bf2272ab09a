import { type FSWatcher, linkSync, renameSync, watch } from "node:fs";
import type { Server as HttpServer } from "node:http";
import { connect, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { APP_SOCKET, portSocket } from "@velocity/contract";
import { dialLoopback, type LoopbackPort, splice } from "./bridge.ts";
import { inodeAt, listenAtomically } from "./listen-atomically.ts";
import { remove, socketNames } from "./socket-folder.ts";

/** Who answers on the app socket: nobody, our own page, our bridge to a port, or the program by itself. */
export type Holder = "nobody" | "page" | "bridge" | "program";

export interface AppSocketOptions {
  readonly socketDir: string;
  /** Answers with the status page. It never listens by itself: connections are handed to it. */
  readonly page: HttpServer;
  /** The program took the app socket, or gave it up; or a further port came or went. */
  readonly onChange: () => void;
}

/** The one owner of `app.sock` on the agent's side. Whoever takes the name last gets the connections. */
export class AppSocket {
  readonly #options: AppSocketOptions;
  readonly #path: string;
  #watcher: FSWatcher | null = null;
  #listener: Server | null = null;
  #sockets = new Set<Socket>();
  #holds: "page" | "bridge" | null = null;
  #inode: bigint | null = null;
  #count = 0;

  constructor(options: AppSocketOptions) {
    this.#options = options;
    this.#path = join(options.socketDir, APP_SOCKET);
  }

  watch(): void {
    this.#watcher = watch(this.#options.socketDir, (_event, name) => {
      if (name === null || !name.startsWith(".")) this.#options.onChange();
    });
    this.#watcher.on("error", () => {});
    this.#options.onChange();
  }

  holder(): Holder {
    const inode = inodeAt(this.#path);
    if (inode === null) return "nobody";
    return inode === this.#inode && this.#holds !== null ? this.#holds : "program";
  }

  /** Ports, other than the app's own, whose servers the preload has given a socket. */
  exposedPorts(): number[] {
    return socketNames(this.#options.socketDir)
      .map((name) => /^port-(\d+)\.sock$/.exec(name)?.[1])
      .filter((port) => port !== undefined)
      .map(Number);
  }

  /** Serves the status page. Without `replace` only if nobody has the socket. */
  showPage(options: { readonly replace: boolean }): Promise<void> {
    if (this.holder() === "page") return Promise.resolve();
    return this.#listen("page", options.replace, (socket) => this.#options.page.emit("connection", socket));
  }

  bridge(to: LoopbackPort): Promise<void> {
    return this.#listen("bridge", true, (socket) => {
      void dialLoopback(to).then((upstream) => {
        if (upstream === null) this.#options.page.emit("connection", socket);
        else splice(socket, upstream);
      });
    });
  }

  /** Makes the socket of a further port the app's: the same listener under a second name, without a hop. */
  adopt(port: number): void {
    const temporary = join(this.#options.socketDir, `.${process.pid}-adopt`);
    remove(temporary);
    linkSync(join(this.#options.socketDir, portSocket(port)), temporary);
    renameSync(temporary, this.#path);
    remove(temporary);
    this.#closeListener();
  }

  /** Connects to what the preload exposes for a port. */
  dialExposed(port: number): Promise<Socket | null> {
    return dialPath(join(this.#options.socketDir, portSocket(port)));
  }

  /** A program that was killed could not take its socket with it: removes the app socket if nobody listens on it. */
  async dropDead(): Promise<void> {
    if (this.holder() !== "program") return;
    const inode = inodeAt(this.#path);
    const answering = await dialPath(this.#path);
    answering?.destroy();
    if (answering === null && inodeAt(this.#path) === inode) remove(this.#path);
  }

  /** Stops answering what the program has taken over; connections under way go on. */
  release(): void {
    if (this.holder() === "program") this.#closeListener();
  }

  /** After the program's processes are gone: their sockets answer nobody. */
  clear(): void {
    for (const port of this.exposedPorts()) remove(join(this.#options.socketDir, portSocket(port)));
    if (this.holder() !== "page") {
      this.#closeListener();
      remove(this.#path);
    }
  }

  close(): void {
    this.#watcher?.close();
    const ours = this.holder() !== "program";
    this.#closeListener();
    for (const socket of this.#sockets) socket.destroy();
    if (ours) remove(this.#path);
  }

  async #listen(
    kind: "page" | "bridge",
    replace: boolean,
    onSocket: (socket: Socket) => void,
  ): Promise<void> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      onSocket(socket);
    });
    const taken = await listenAtomically(listener, this.#path, {
      replace,
      unique: `${kind}${++this.#count}`,
    });
    if (!taken) return;
    this.#closeListener();
    listener.on("error", () => {});
    this.#listener = listener;
    this.#holds = kind;
    this.#inode = inodeAt(this.#path);
  }

  #closeListener(): void {
    this.#listener?.close();
    this.#listener = null;
    this.#holds = null;
    this.#inode = null;
  }
}

function dialPath(path: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ path, allowHalfOpen: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(null));
  });
}
