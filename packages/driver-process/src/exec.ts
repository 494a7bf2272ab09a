import { request } from "node:http";
import { type Exec, type ExecResult, execResultSchema, VelocityError } from "@velocity/contract";
import type { ContainerHandle, DriverCall } from "@velocity/core";
import { connectUnixSocket, readBootId } from "@velocity/sandbox";
import { socketPath } from "./container-paths.ts";
import { type DriverContext, requireState } from "./driver-context.ts";
import { statusOf } from "./observe-state.ts";

const MAX_ANSWER_BYTES = 16 * 1024 ** 2;
const DEFAULT_TIMEOUT_MS = 60_000;
/** What the agent gets beyond the command's own time before it counts as hung. */
const GRACE_MS = 10_000;

/**
 * Runs a command by the agent inside: whatever runs has the rights of the container and nothing of ours. Throws
 * `invalid_state` where the container does not run, `session_unavailable` where its agent does not answer.
 */
export async function execInContainer(
  context: DriverContext,
  handle: ContainerHandle,
  command: Exec,
  call: DriverCall,
): Promise<ExecResult> {
  const { paths, state } = await requireState(context, handle);
  const status = statusOf(state, readBootId());
  if (status !== "running")
    throw new VelocityError("invalid_state", "The preview does not run.", { context: { status } });
  const timeout = AbortSignal.timeout((command.timeoutMs ?? DEFAULT_TIMEOUT_MS) + GRACE_MS);
  const signal = AbortSignal.any([call.signal, timeout]);
  const ownerUid = state.owner?.uid ?? process.getuid?.() ?? null;
  const socket = await connectUnixSocket(socketPath(paths, "control"), ownerUid, signal);
  const body = JSON.stringify(command);
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = request({
        method: "POST",
        path: "/exec",
        headers: {
          host: "agent",
          connection: "close",
          "content-type": "application/json",
          "content-length": Buffer.byteLength(body),
        },
        createConnection: () => socket,
        signal,
      });
      sent.once("error", reject);
      sent.once("response", (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > MAX_ANSWER_BYTES) sent.destroy(new Error("answer too large"));
          else chunks.push(chunk);
        });
        response.once("error", reject);
        response.once("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`agent answered ${response.statusCode}: ${text.slice(0, 500)}`));
        });
      });
      sent.end(body);
    });
    return execResultSchema.parse(JSON.parse(answer));
  } catch (cause) {
    call.signal.throwIfAborted();
    throw new VelocityError("session_unavailable", "The command could not be run in the preview.", { cause });
  } finally {
    socket.destroy();
  }
}
