/** Knows how many calls of some objects have no answer yet, and tells when there are none. */
export class CallsUnderWay {
  #count = 0;
  #idle: PromiseWithResolvers<void> | null = null;

  /** Null: none is under way. */
  idle(): Promise<void> | null {
    if (this.#count === 0) return null;
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** The same object, with its asynchronous methods counted. */
  counted<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const result: unknown = Reflect.apply(value, object, args);
          return result instanceof Promise ? this.#watched(result) : result;
        };
      },
    });
  }

  #watched<T>(work: Promise<T>): Promise<T> {
    this.#count++;
    return work.finally(() => {
      if (--this.#count > 0) return;
      this.#idle?.resolve();
      this.#idle = null;
    });
  }
}
