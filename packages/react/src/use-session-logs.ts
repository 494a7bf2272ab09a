import type { LogLine } from "@velocity/contract";
import type { Velocity } from "@velocity/sdk";
import { useEffect, useState } from "react";
import { useVelocityScope } from "./velocity-provider.tsx";

export interface UseSessionLogsOptions {
  /** Null: nothing to read yet. */
  readonly sessionId: string | null;
  /** Reads only while true: a stream costs one of the browser's few connections. */
  readonly enabled: boolean;
  readonly client?: Velocity | undefined;
  /** How many of the last lines are kept. Default 300. */
  readonly limit?: number | undefined;
}

const RECONNECT_MS = 2_000;
const FLUSH_MS = 50;

/** The last lines of a session's log, live. Lines stay when reading is switched off, and go with the session. */
export function useSessionLogs(options: UseSessionLogsOptions): readonly LogLine[] {
  const { client } = useVelocityScope(options.client);
  const { sessionId, enabled } = options;
  const limit = options.limit ?? 300;
  const [log, setLog] = useState<{ readonly id: string | null; readonly lines: readonly LogLine[] }>({
    id: null,
    lines: [],
  });

  useEffect(() => {
    if (sessionId === null || !enabled) return;
    const abort = new AbortController();
    let lines: LogLine[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    // A dev server may write hundreds of lines at once; the page is drawn for all of them together.
    const flush = () => {
      timer = undefined;
      setLog({ id: sessionId, lines: [...lines] });
    };
    const read = async () => {
      // Each connection begins with the backlog, so it replaces what the last one brought.
      lines = [];
      for await (const line of client.sessions.logs(sessionId, { follow: true, signal: abort.signal })) {
        if (abort.signal.aborted) return;
        lines.push(line);
        if (lines.length > limit) lines = lines.slice(-limit);
        timer ??= setTimeout(flush, FLUSH_MS);
      }
    };
    let again: ReturnType<typeof setTimeout> | undefined;
    const run = () => {
      read()
        .catch(() => undefined)
        .finally(() => {
          if (!abort.signal.aborted) again = setTimeout(run, RECONNECT_MS);
        });
    };
    run();
    return () => {
      abort.abort();
      clearTimeout(timer);
      clearTimeout(again);
    };
  }, [client, sessionId, enabled, limit]);

  return log.id === sessionId ? log.lines : [];
}
