/**
 * One run per key, however many ask. The run is aborted only when everybody who asked has gone.
 * Progress reaches all who are waiting; whoever joins late gets what was said before, up to a bound.
 */
export class SharedFlights<T> {
  readonly #flights = new Map<string, Flight<T>>();

  run(
    key: string,
    caller: { readonly signal: AbortSignal; readonly onLog: (line: string) => void },
    start: (run: { signal: AbortSignal; onLog: (line: string) => void }) => Promise<T>,
  ): Promise<T> {
    const running = this.#flights.get(key);
    const flight = running ?? this.#begin(key, start);
    for (const line of flight.said) caller.onLog(line);
    flight.listeners.add(caller.onLog);
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        flight.listeners.delete(caller.onLog);
        caller.signal.removeEventListener("abort", onAbort);
        flight.waiting -= 1;
      };
      const onAbort = () => {
        leave();
        reject(caller.signal.reason);
        if (flight.waiting > 0) return;
        // Who comes now starts anew instead of joining a run that is being ended.
        if (this.#flights.get(key) === flight) this.#flights.delete(key);
        flight.controller.abort(caller.signal.reason);
      };
      flight.waiting += 1;
      caller.signal.addEventListener("abort", onAbort, { once: true });
      if (caller.signal.aborted) onAbort();
      flight.result.then(
        (value) => {
          leave();
          resolve(value);
        },
        (error: unknown) => {
          leave();
          reject(error);
        },
      );
    });
  }

  #begin(
    key: string,
    start: (run: { signal: AbortSignal; onLog: (line: string) => void }) => Promise<T>,
  ): Flight<T> {
    const controller = new AbortController();
    const listeners = new Set<(line: string) => void>();
    const said: string[] = [];
    const onLog = (line: string) => {
      said.push(line);
      if (said.length > MAX_REMEMBERED_LINES) said.shift();
      for (const listener of listeners) listener(line);
    };
    const result = Promise.resolve().then(() => start({ signal: controller.signal, onLog }));
    const flight: Flight<T> = { result, controller, listeners, said, waiting: 0 };
    this.#flights.set(key, flight);
    const end = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    result.then(end, end);
    return flight;
  }
}

const MAX_REMEMBERED_LINES = 200;

interface Flight<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly listeners: Set<(line: string) => void>;
  readonly said: string[];
  waiting: number;
}
