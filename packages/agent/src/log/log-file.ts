import { closeSync, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import type { LogLine } from "@velocity/contract";

const MAX_BYTES = 5 * 1024 * 1024;

/**
 * The container's log on disk: one JSON line per `LogLine`. At 5 MB it becomes `<name>.1` and starts anew, so that it
 * never holds more than twice that. A full disk loses lines, never the program.
 */
export class LogFile {
  readonly #path: string;
  #handle: number | null = null;
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  append(line: LogLine): void {
    try {
      this.#handle ??= this.#open();
      this.#bytes += writeSync(this.#handle, `${JSON.stringify(line)}\n`);
      if (this.#bytes > MAX_BYTES) {
        this.close();
        renameSync(this.#path, `${this.#path}.1`);
      }
    } catch {
      this.close();
    }
  }

  close(): void {
    if (this.#handle === null) return;
    try {
      closeSync(this.#handle);
    } catch {
      // Nothing is left to be saved.
    }
    this.#handle = null;
  }

  #open(): number {
    const handle = openSync(this.#path, "a", 0o644);
    this.#bytes = fstatSync(handle).size;
    return handle;
  }
}
