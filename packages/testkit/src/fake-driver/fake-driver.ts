import { VelocityError } from "@velocity/contract";
import type { ContainerHandle, Driver, DriverCapabilities } from "@velocity/core";
import type { FakeContainer, FakeEngine } from "./fake-engine.ts";

export const FAKE_CAPABILITIES: DriverCapabilities = {
  suspend: "memory",
  arbitratesNames: true,
  watch: false,
  exec: true,
  isolation: "none",
  limits: [],
  network: ["none", "registry", "full"],
  seedsWorkspace: true,
  notes: ["In memory, for tests."],
};

/** A driver over a fake engine, with the faults that the engine was told. */
export function fakeDriver(engine: FakeEngine, capabilities: Partial<DriverCapabilities> = {}): Driver {
  const find = (handle: ContainerHandle): FakeContainer => {
    const container = engine.containers.get(handle.containerId);
    if (container === undefined) throw new VelocityError("driver_failed", "There is no such container.");
    return container;
  };
  const change = (
    call: "start" | "suspend" | "resume" | "stop",
    handle: ContainerHandle,
    effect: (container: FakeContainer) => void,
  ) => engine.around(call, handle.containerId, () => effect(find(handle)));

  return {
    name: "fake",
    capabilities: { ...FAKE_CAPABILITIES, ...capabilities },
    create: (spec) =>
      engine.around("create", spec.containerId, () => {
        engine.create(spec);
        return { ref: `ref-${spec.containerId}` };
      }),
    start: (handle, boot) =>
      change("start", handle, (container) => {
        if (container.status === "running") return;
        engine.boot(container, boot.identity, boot.run);
      }),
    suspend: (handle) =>
      change("suspend", handle, (container) => {
        if (container.status === "suspended") return;
        if (container.status !== "running") throw new VelocityError("driver_failed", "It does not run.");
        container.status = "suspended";
        engine.tell(container);
      }),
    resume: (handle) =>
      change("resume", handle, (container) => {
        if (container.status === "running") return;
        if (container.status !== "suspended")
          throw new VelocityError("driver_failed", "It is not suspended.");
        container.status = "running";
        engine.tell(container);
      }),
    stop: (handle) => change("stop", handle, (container) => engine.kill(container)),
    destroy: (handle) =>
      engine.around("destroy", handle.containerId, () => {
        if (engine.faults.liesAtDestroy?.(handle.containerId)) return;
        engine.remove(handle.containerId);
      }),
    inspect: (handle) =>
      engine.around("inspect", handle.containerId, () => {
        const container = engine.containers.get(handle.containerId);
        return container === undefined ? { status: "gone" as const } : observe(container);
      }),
    list: () => engine.around("list", null, () => [...engine.containers.values()].map(observe)),
    endpoint: (handle, kind) => ({
      kind: "unix",
      path: `/fake/${handle.containerId}/${typeof kind === "string" ? kind : kind.port}`,
    }),
    exec: async () => ({ exitCode: 0, stdout: "", stderr: "", truncated: false }),
    logs: async () => [],
    stats: async () => ({ cpuPercent: 0, memoryBytes: 0, diskBytes: 0, processes: 1 }),
    ping: async () => {},
    close: async () => {},
  };
}

function observe(container: FakeContainer) {
  return {
    containerId: container.id,
    ref: `ref-${container.id}`,
    status: container.status,
    labels: container.spec.labels,
    createdAt: container.createdAt,
  };
}
