import type { AgentEvent, LogLine, ServerStatus } from "@velocity/contract";

type ServerEvent = Extract<AgentEvent, { type: "server" }>;
type LogEvent = Extract<AgentEvent, { type: "log" }>;
type FileEvent = Extract<AgentEvent, { type: "file" }>;

/** Kept per kind, so that a flood of log lines cannot push out what the server did. */
const KEPT = { server: 200, log: 2000, file: 200 } as const;
const MAX_LINE_CHARACTERS = 8192;
const MAX_LOG_CHARACTERS = 1024 * 1024;

export type Listener = (event: AgentEvent) => void;

/** Everything that happened, numbered from 1, with a bounded memory and live listeners. */
export class EventLog {
  readonly #now: () => Date;
  readonly #server: ServerEvent[] = [];
  readonly #log: LogEvent[] = [];
  readonly #file: FileEvent[] = [];
  readonly #listeners = new Set<Listener>();
  #logCharacters = 0;
  #seq = 0;

  constructor(now: () => Date) {
    this.#now = now;
  }

  server(status: ServerStatus, port: number | null, error: ServerEvent["error"]): void {
    const event: ServerEvent = { type: "server", seq: ++this.#seq, at: this.#at(), status, port, error };
    this.#server.push(event);
    if (this.#server.length > KEPT.server) this.#server.shift();
    this.#announce(event);
  }

  line(source: LogLine["source"], stream: LogLine["stream"], text: string): LogLine {
    const short = text.length > MAX_LINE_CHARACTERS ? `${text.slice(0, MAX_LINE_CHARACTERS)}…` : text;
    const line: LogLine = { at: this.#at(), source, stream, text: short };
    const event: LogEvent = { type: "log", seq: ++this.#seq, line };
    this.#log.push(event);
    this.#logCharacters += short.length;
    while (this.#log.length > KEPT.log || this.#logCharacters > MAX_LOG_CHARACTERS) {
      this.#logCharacters -= this.#log.shift()?.line.text.length ?? 0;
    }
    this.#announce(event);
    return line;
  }

  files(changed: readonly string[], deleted: readonly string[]): void {
    if (changed.length + deleted.length === 0) return;
    const event: FileEvent = {
      type: "file",
      seq: ++this.#seq,
      at: this.#at(),
      changed: [...changed],
      deleted: [...deleted],
    };
    this.#file.push(event);
    if (this.#file.length > KEPT.file) this.#file.shift();
    this.#announce(event);
  }

  /** Number of the newest event. */
  get seq(): number {
    return this.#seq;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  /** What is still known after `since`, oldest first. */
  backlog(since: number): AgentEvent[] {
    const kept: AgentEvent[] = [...this.#server, ...this.#log, ...this.#file];
    return kept.filter((event) => event.seq > since).sort((a, b) => a.seq - b.seq);
  }

  /** Texts of the newest `count` lines after event `since`. */
  lastLines(count: number, since: number): string[] {
    return this.#log
      .filter((event) => event.seq > since)
      .slice(-count)
      .map((event) => event.line.text);
  }

  /** The backlog and then every new event, without a gap. The caller ends it with what is returned. */
  listen(since: number, listener: Listener): () => void {
    for (const event of this.backlog(since)) listener(event);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #at(): string {
    return this.#now().toISOString();
  }

  #announce(event: AgentEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
