import { type LogLine, logLineSchema } from "@velocity/contract";
import type { ContainerHandle, DriverCall } from "@velocity/core";
import { readTail } from "@velocity/sandbox";
import { type DriverContext, requireState } from "./driver-context.ts";

const MAX_LOG_BYTES = 1024 ** 2;

/** What the agent wrote down, and what it printed where it could not: oldest first, at most `tail` lines of the last MiB. */
export async function containerLogs(
  context: DriverContext,
  handle: ContainerHandle,
  options: { readonly tail: number },
  call: DriverCall,
): Promise<readonly LogLine[]> {
  call.signal.throwIfAborted();
  const { paths, state } = await requireState(context, handle);
  const [written, printed] = await Promise.all([
    readTail(paths.agentLog, MAX_LOG_BYTES),
    readTail(paths.output, MAX_LOG_BYTES),
  ]);
  const lines = [...parseLog(printed, state.createdAt), ...parseLog(written, state.createdAt)];
  // ISO times sort as text, and sorting is stable: lines of one moment stay in order.
  lines.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  return options.tail <= 0 ? [] : lines.slice(-options.tail);
}

/** Lines of JSON as the agent writes them; any other text is told as it is, with the time of the line before. */
export function parseLog(text: string, startedAt: string): readonly LogLine[] {
  const lines: LogLine[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    lines.push(
      parseLine(line) ?? { at: lines.at(-1)?.at ?? startedAt, source: "agent", stream: "stdout", text: line },
    );
  }
  return lines;
}

function parseLine(line: string): LogLine | null {
  if (!line.startsWith("{")) return null;
  try {
    return logLineSchema.safeParse(JSON.parse(line)).data ?? null;
  } catch {
    return null;
  }
}
