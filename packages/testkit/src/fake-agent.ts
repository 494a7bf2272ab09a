import { type AgentEvent, containerIdSchema, type Endpoint, VelocityError } from "@velocity/contract";
import type { AgentPort } from "@velocity/core";
import type { FakeContainer, FakeEngine } from "./fake-driver/fake-engine.ts";

/** The agents inside a fake engine's containers. A frozen one does not answer, a stopped one refuses. */
export function fakeAgent(engine: FakeEngine): AgentPort {
  return {
    async identity(at, signal) {
      const container = await awake(engine, at, signal);
      return engine.around("identity", container.id, () => container.identity);
    },

    async health(at, signal) {
      const container = await awake(engine, at, signal);
      const healthy = container.server === "listening" ? "healthy" : "unhealthy";
      return {
        status: healthy,
        timestamp: engine.now().toISOString(),
        projectId: container.identity.projectId,
        sessionId: container.identity.sessionId,
        machineId: container.id,
        generation: container.identity.generation,
        devServerPort: container.run?.port ?? null,
        isInitialized: true,
        uptime: 1,
        checks: { devServer: healthy, orchestrator: "healthy" },
        realtime: { connected: true, retryCount: 0, maxRetryAttempts: 0, hasReconnectTimer: false },
      };
    },

    async bind(at, bind, signal) {
      const container = await awake(engine, at, signal);
      return engine.around("bind", container.id, () => {
        const { sessionId, projectId, generation } = bind;
        const held = container.identity;
        if (held.sessionId !== null && (held.sessionId !== sessionId || held.generation !== generation))
          throw new VelocityError("conflict", "This container belongs to another session.");
        container.identity = { containerId: container.id, sessionId, projectId, generation };
        write(container, bind);
        const serverRestarted = JSON.stringify(container.run) !== JSON.stringify(bind.run);
        if (serverRestarted) engine.serve(container, bind.run);
        return { identity: container.identity, serverRestarted };
      });
    },

    async applyFiles(at, change, signal) {
      const container = await awake(engine, at, signal);
      return engine.around("applyFiles", container.id, () => {
        write(container, change);
        return { written: change.files.length, deleted: change.deletes.length };
      });
    },

    async readFile(at, path, signal) {
      const container = await awake(engine, at, signal);
      return container.files.get(path) ?? null;
    },

    async restart(at, signal) {
      const container = await awake(engine, at, signal);
      await engine.around("restart", container.id, () => {
        if (container.run !== null) engine.serve(container, container.run);
      });
    },

    async exec(at, command, signal) {
      const container = await awake(engine, at, signal);
      const stdout = command.command.join(" ");
      return engine.around("exec", container.id, () => ({
        exitCode: 0,
        stdout,
        stderr: "",
        truncated: false,
      }));
    },

    async *events(at, since, signal) {
      let next = since;
      while (!signal.aborted) {
        const container = await awake(engine, at, signal);
        const event: AgentEvent | undefined = container.events.find((one) => one.seq > next);
        if (event !== undefined) {
          next = event.seq;
          yield event;
          continue;
        }
        const boots = container.boots;
        await changed(container, signal);
        if (container.boots !== boots)
          throw new VelocityError("session_unavailable", "The connection was lost.");
      }
    },
  };
}

function write(
  container: FakeContainer,
  change: {
    files: readonly { path: string; content: string; encoding: "utf8" | "base64" }[];
    deletes: readonly string[];
  },
): void {
  for (const file of change.files) container.files.set(file.path, file);
  for (const path of change.deletes) container.files.delete(path);
}

async function awake(engine: FakeEngine, at: Endpoint, signal: AbortSignal): Promise<FakeContainer> {
  for (;;) {
    signal.throwIfAborted();
    const id = containerIdSchema.parse(at.kind === "unix" ? at.path.split("/")[2] : "");
    const container = engine.containers.get(id);
    if (container?.status === "running") return container;
    if (container?.status !== "suspended") {
      throw new VelocityError("session_unavailable", "Nobody listens there.");
    }
    await changed(container, signal);
  }
}

function changed(container: FakeContainer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      container.listeners.delete(end);
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    const onAbort = () => {
      container.listeners.delete(end);
      reject(signal.reason);
    };
    container.listeners.add(end);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
