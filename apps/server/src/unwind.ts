/** What was begun, undone in the opposite order. */
export class Unwind {
  readonly #steps: (() => Promise<void> | void)[] = [];

  /** Remembers how to undo a thing, and gives the thing back. */
  add<T>(thing: T, undo: () => Promise<void> | void): T {
    this.#steps.push(undo);
    return thing;
  }

  /** Runs every step, also after one failed; then throws the first failure. */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
