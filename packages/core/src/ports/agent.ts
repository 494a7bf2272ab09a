import type {
  AgentEvent,
  AgentHealth,
  ApplyFiles,
  Bind,
  BindResult,
  Endpoint,
  Exec,
  ExecResult,
  FileContent,
  Identity,
} from "@velocity/contract";

/** Talks to the agent inside a container, over its control endpoint. Calls throw `VelocityError`. */
export interface AgentPort {
  identity(at: Endpoint, signal: AbortSignal): Promise<Identity>;
  health(at: Endpoint, signal: AbortSignal): Promise<AgentHealth>;
  bind(at: Endpoint, bind: Bind, signal: AbortSignal): Promise<BindResult>;
  applyFiles(
    at: Endpoint,
    change: ApplyFiles,
    signal: AbortSignal,
  ): Promise<{ written: number; deleted: number }>;
  /**
   * One file of the workspace (`GET /files/<path>`), base64 where it is not UTF-8; null: there is none. Without this
   * method, edits made inside a container do not come back to the project.
   */
  readFile?(at: Endpoint, path: string, signal: AbortSignal): Promise<FileContent | null>;
  restart(at: Endpoint, signal: AbortSignal): Promise<void>;
  exec(at: Endpoint, command: Exec, signal: AbortSignal): Promise<ExecResult>;
  /**
   * The agent's events, from `since` (0: all it still has). Waits for the agent to come up; ends with the signal, and
   * throws when the connection is lost.
   */
  events(at: Endpoint, since: number, signal: AbortSignal): AsyncIterable<AgentEvent>;
}
