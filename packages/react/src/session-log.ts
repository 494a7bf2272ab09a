import type { LogLine, SessionEvent } from "@velocity/contract";

const MAX_LINES = 500;
const FLUSH_MS = 50;

/** The last lines of one session's log, told to listeners in bundles: a dev server may write hundreds at once. */
export class SessionLog {
  readonly #listeners = new Set<() => void>();
  #lines: readonly LogLine[] = [];
  #incoming: LogLine[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly getLines = (): readonly LogLine[] => this.#lines;

  get isEmpty(): boolean {
    return this.#lines.length === 0 && this.#incoming.length === 0;
  }

  push(lines: readonly LogLine[]): void {
    this.#incoming.push(...lines.slice(-MAX_LINES));
    if (this.#incoming.length > 2 * MAX_LINES) this.#incoming = this.#incoming.slice(-MAX_LINES);
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS);
  }

  clear(): void {
    this.close();
    this.#incoming = [];
    this.#lines = [];
    for (const listener of this.#listeners) listener();
  }

  /** Ends the timer; lines that were not told yet are told with the next ones. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #flush(): void {
    this.#timer = null;
    this.#lines = [...this.#lines, ...this.#incoming].slice(-MAX_LINES);
    this.#incoming = [];
    for (const listener of this.#listeners) listener();
  }
}

/** The line that a `log` event carries; null for other events and for data that is no line. */
export function logLineOf(event: SessionEvent): LogLine | null {
  const { text, source, stream, at } = event.data;
  if (event.type !== "log" || typeof text !== "string") return null;
  return {
    at: typeof at === "string" ? at : event.at,
    source: source === "install" || source === "agent" ? source : "server",
    stream: stream === "stderr" ? "stderr" : "stdout",
    text,
  };
}
